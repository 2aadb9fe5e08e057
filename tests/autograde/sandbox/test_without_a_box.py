"""`--unsafe`: the same servers and programs with no box. Limits that a process sets on itself still hold."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from autograde.course import ROOT
from autograde.sandbox.machine import Machine, Protection
from autograde.sandbox.servers import Servers
from tests.autograde.sandbox.conftest import SECRET, SMALL, Student, puppets

NO_MACHINE = Machine("", (Protection("bubblewrap", "all", False, "It is not there."),))


@pytest.fixture(scope="module")
def bare():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSTRUCTORS_WORD", SECRET)
        with Servers(NO_MACHINE, ROOT, unsafe=True, programs=puppets()) as servers:
            yield servers


@pytest.fixture
def student(bare):
    student = Student(bare)
    yield student
    if student.pair.grader.fileno() >= 0:
        student.pair.end()


def test_it_says_that_nothing_isolates(bare):
    assert bare.isolation == "none"


def test_a_submission_is_served_on_a_machine_that_isolates_nothing(student):
    assert student.run("found = 6 * 7") == 42


def test_each_has_a_folder_of_its_own_which_goes_with_it(student):
    folders = student.run("import os; found = [os.getcwd(), os.environ['HOME'], os.environ['TMPDIR']]")
    assert student.run("import os; open('x', 'w').close(); found = os.listdir('.')") == ["x"]
    assert len(set(folders)) == 2
    student.pair.end()
    assert not any(subprocess.run(["test", "-e", folder]).returncode == 0 for folder in folders)


def test_the_environment_of_who_grades_is_not_handed_on(student):
    assert SECRET not in str(student.run("import os; found = dict(os.environ)"))


def test_memory_files_and_cores_are_bounded(student):
    kinds = "r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_CORE"
    found = student.run(f"import resource as r; found = [r.getrlimit(kind)[1] for kind in ({kinds})]")
    assert found == [int(SMALL.memory_gb * 2**30), SMALL.file_mb * 2**20, 1]
    assert "MemoryError" in student.error(f"bytearray({int(SMALL.memory_gb * 2**30)})")


def test_memory_of_all_its_processes_is_added_up(bare):
    student = Student(bare, replace(SMALL, memory_gb=0.25))
    student.run("import os, time\nif os.fork() == 0:\n    held = b'x' * (150 * 2**20); time.sleep(600)")
    student.run("held = b'x' * (150 * 2**20)")
    said = next((said for _ in range(200) if (said := student.pair.poll() or time.sleep(0.05))), "")
    student.pair.end()
    assert "more than the 0.25 GB allowed" in said


def test_what_it_started_ends_with_it_even_in_a_session_of_its_own(student):
    code = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
    pid = student.run(f"{code}start_new_session=True); found = child.pid")
    assert psutil.pid_exists(pid)
    student.pair.end()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_how_it_ended_is_told(student):
    student.answer("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert student.pair.end() == "signal 11"


def test_killing_the_grading_process_ends_servers_and_children():
    command = [sys.executable, "-m", "tests.autograde.sandbox.killed_grader", "--unsafe"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout.readline() == "ready\n"
        started = psutil.Process(grader.pid).children(recursive=True)
        assert len(started) == 4, "two servers, a student, a tester"
        grader.kill()
        grader.wait()
    assert psutil.wait_procs(started, timeout=20)[1] == []
