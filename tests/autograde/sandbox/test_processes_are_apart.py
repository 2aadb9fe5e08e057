"""A student's process sees, stops and leaves behind no process but its own."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from autograde.sandbox.memory import family
from tests.autograde.sandbox.conftest import Student

pytestmark = pytest.mark.sandbox

DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
time.sleep(0.3)
os.wait()
"""
PTRACE = "import ctypes, errno; libc = ctypes.CDLL(None, use_errno=True)"


def processes(student):
    """The processes of a student, as this process counts."""
    student.run("found = 0")
    student.pair.poll()
    return list(family(student.pair._student.pid))


def test_it_is_alone_in_its_namespace(student):
    assert student.run("import os; found = [os.getpid(), os.getppid(), os.getuid(), os.getgid(), os.getgroups()]") == [
        *(1, 0, 1000, 1000, []),
    ]


def test_a_neighbour_survives_every_signal_that_is_sent(enrol):
    attacker, neighbour = enrol(), enrol()
    neighbour.run("found = 1")
    code = """
import os, signal
hit = []
for pid in [-1, *range(2, 70_000)]:
    try:
        os.kill(pid, signal.SIGKILL)
        hit.append(pid)
    except OSError:
        pass
found = hit
"""
    assert attacker.run(code) == []
    assert neighbour.run("found = 1") == 1 and attacker.run("tester:found = 2") == 2


def test_a_daemon_is_gone_when_end_returns(student):
    student.run(DAEMON)
    alive = processes(student)
    assert len(alive) == 2, "the student's process and its daemon"
    student.pair.end()
    assert [pid for pid in alive if psutil.pid_exists(pid)] == []


def test_a_daemon_is_gone_although_its_student_died(student):
    student.run(DAEMON)
    alive = processes(student)
    student.answer("import os; os._exit(3)")
    assert student.pair.end() == "exit 3"
    assert [pid for pid in alive if psutil.pid_exists(pid)] == []


@pytest.mark.parametrize("request_number", [0, 16, 0x4206], ids=["traceme", "attach", "seize"])
def test_ptrace_is_refused(student, request_number):
    code = f"{PTRACE}\nlibc.ptrace({request_number}, 1, 0, 0); found = errno.errorcode[ctypes.get_errno()]"
    assert student.run(code) == "EPERM"


def test_memory_of_another_process_is_not_read(student):
    code = f"{PTRACE}\nlibc.process_vm_readv(1, 0, 0, 0, 0, 0); found = errno.errorcode[ctypes.get_errno()]"
    assert student.run(code) == "EPERM"


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("import os; os._exit(3)", "exit 3"),
        ("import os; os._exit(0)", ""),
        ("import ctypes; ctypes.string_at(0)", "signal 11"),
        ("raise SystemExit(4)", "exit 4"),
    ],
)
def test_how_a_process_ended_by_itself_is_told(student, code, ended):
    student.answer(code)
    assert student.pair.end() == ended


def test_a_process_that_lived_until_the_end_ended_well(student):
    student.run("found = 1")
    assert student.pair.end() == ""


def test_a_crash_leaves_no_core_file_and_starts_no_program_that_collects_crashes(student):
    """The kernel starts none where the limit is 1 byte, and starts it where the limit is 0."""
    limit = student.run("import resource; found = resource.getrlimit(resource.RLIMIT_CORE)")
    assert limit == [1, 1]
    for other in (0, 2):
        code = f"import resource as r; r.{{}}r.RLIMIT_CORE, ({other}, {other}))"
        assert "ValueError" in student.error(code.format("setrlimit("))
        assert "PermissionError" in student.error(code.format("prlimit(0, "))


def test_a_tester_that_breaks_says_why(servers, enrol):
    student = enrol()
    student.pair.grader.send(b"\xff\xff\xff\xff")  # a frame that no reader takes
    assert student.pair.grader.recv(1) == b"", "the tester ended"
    assert "Broken" in student.pair.log


def test_a_crowd_that_ends_at_every_moment_loses_nobody(servers):
    """Some end by themselves just when they are ended: the server once fell over a child that it had buried."""

    def end_in_its_own_way(number: int) -> str:
        student = Student(servers)
        if number % 3 == 0:
            student.answer("import os; os._exit(3)")
        elif number % 3 == 1:
            student.run("found = 1")
        return student.pair.end()

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(end_in_its_own_way, range(150))) == {"exit 3": 50, "": 100}


def test_all_that_a_student_starts_stays_in_one_session(student):
    """The kernel shares out the CPU by session: with many, one student would starve the others."""
    code = """
import os
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.write(writer, b"%d" % os.getsid(0))
    os._exit(0)
found = [int(os.read(reader, 20)), os.getsid(0)]
"""
    assert student.run(code) == [1, 1]


def test_the_kernel_out_of_memory_ends_a_student_first(student):
    student.run("found = 0")
    student.pair.poll()
    assert Path(f"/proc/{student.pair._student.pid}/oom_score_adj").read_text() == "1000\n"


def test_the_memory_of_both_servers_is_told(servers):
    assert all(2 < megabytes < 100 for megabytes in servers.preloaded_mb().values())
