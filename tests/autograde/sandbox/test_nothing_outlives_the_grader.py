"""Servers and children end with the grading process, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from autograde.course import ROOT, CannotGrade
from autograde.sandbox.servers import Servers
from tests.autograde.sandbox.conftest import Student, puppets

pytestmark = pytest.mark.sandbox


def gone(pids: list[int]) -> bool:
    """Whether all of them end, soon."""
    for _ in range(200):
        if not any(psutil.pid_exists(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("word", [signal.SIGKILL, signal.SIGTERM])
def test_killing_the_grading_process_leaves_no_process(machine, word):
    command = [sys.executable, "-m", "tests.autograde.sandbox.killed_grader"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout.readline() == "ready\n"
        inside = [one.pid for one in psutil.Process(grader.pid).children(recursive=True)]
        assert len(inside) >= 11, "two boxes of four processes each, a student, its daemon, a tester"
        grader.send_signal(word)
        grader.wait()
    assert gone(inside)


def test_closing_the_servers_ends_a_pair_that_nobody_ended(machine):
    others = psutil.Process().children(recursive=True)
    with Servers(machine, ROOT, programs=puppets()) as servers:
        student = Student(servers)
        student.run("found = 1")
        inside = [one.pid for one in psutil.Process().children(recursive=True) if one not in others]
    assert len(inside) == 10 and gone(inside)
    with pytest.raises(CannotGrade, match="fork server is gone"):
        student.pair.end()


def test_servers_outlive_the_thread_that_started_them(machine):
    started: list[Servers] = []
    thread = threading.Thread(target=lambda: started.append(Servers(machine, ROOT, programs=puppets())))
    thread.start()
    thread.join()
    with started[0] as servers:
        time.sleep(0.2)
        student = Student(servers)
        assert student.run("found = 1") == 1
        student.pair.end()


def test_a_server_that_dies_is_named_and_no_pair_hangs(machine):
    with Servers(machine, ROOT, programs=puppets()) as servers:
        student = Student(servers)
        student.run("found = 1")
        box = psutil.Process(servers._both[0]._process.pid)
        inside = box.children(recursive=True)
        box.kill()
        psutil.wait_procs([box, *inside], timeout=20)
        with pytest.raises(CannotGrade, match="fork server is gone"):
            student.pair.end()
