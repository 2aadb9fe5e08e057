"""A student's process uses what the lab allows, and nobody else notices when it wants more."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, replace

import pytest

from autograde.inside.bounds import bound_this_process
from tests.autograde.sandbox.conftest import SMALL

pytestmark = pytest.mark.sandbox

FORK_UNTIL_REFUSED = """
import os, time
found = 1
while found < 1000:
    try:
        child = os.fork()
    except BlockingIOError:
        break
    if child == 0:
        time.sleep(600)
    found += 1
"""
THREADS_UNTIL_REFUSED = """
import threading, time
found = 1
while found < 1000:
    try:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    except RuntimeError:
        break
    found += 1
"""


def broken_limit(student) -> str:
    """What `poll` says, asked as the grading process does."""
    for _ in range(300):
        if broken := student.pair.poll():
            return broken
        time.sleep(0.05)
    return ""


@pytest.mark.parametrize("bomb", [FORK_UNTIL_REFUSED, THREADS_UNTIL_REFUSED], ids=["forks", "threads"])
def test_a_bomb_stops_at_the_number_of_processes_allowed(student, bomb):
    assert student.run(bomb) == SMALL.processes


def test_a_fork_bomb_takes_nothing_from_a_neighbour(enrol):
    bomber, neighbour = enrol(), enrol()
    bomber.run(FORK_UNTIL_REFUSED)
    assert neighbour.run(FORK_UNTIL_REFUSED) == SMALL.processes


def test_a_fork_bomb_without_pause_ends_when_its_pair_ends(enrol):
    bomber = enrol()
    bomber.run("import os\nif os.fork() == 0:\n    while True:\n        try: os.fork()\n        except OSError: pass")
    assert bomber.pair.end() == ""


def test_what_is_only_mapped_does_not_count(student):
    """The libraries of a torch with CUDA are several times what a lab may use."""
    most = int(4 * SMALL.memory_gb * 2**30)
    reserved = f"import mmap as m\nfound = len(m.mmap(-1, {most}, m.MAP_PRIVATE | m.MAP_ANONYMOUS, m.PROT_READ))"
    assert student.run(reserved) == most


def test_one_process_gets_no_more_memory_than_allowed(student):
    assert "MemoryError" in student.error(f"bytearray({int(SMALL.memory_gb * 2**30)})")
    assert student.run("found = len(bytearray(2**20))") == 2**20, "and goes on after that"


def test_memory_of_many_processes_together_is_added_up_and_named(enrol):
    student = enrol(replace(SMALL, memory_gb=0.25))
    hold = "b'x' * (100 * 2**20)"
    student.run(f"import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        held = {hold}; time.sleep(600)")
    broken = broken_limit(student)
    assert broken.endswith("more than the 0.25 GB allowed") and broken.startswith("all its processes together held 0.")
    assert "the student's process is gone" in student.error("found = 1"), "it was ended, and the tester goes on"


@pytest.mark.parametrize("behind", ["-1", "os.open('/dev/zero', os.O_RDWR)"], ids=["nothing", "zeros"])
def test_no_memory_is_shared_that_lies_in_no_file(student, behind):
    """All of it would stay as long as one page is mapped, and nobody could count the rest."""
    assert "Error" in student.error(f"import mmap, os; mmap.mmap({behind}, 4096)")
    assert student.run("import os; found = list(os.read(os.open('/dev/zero', os.O_RDONLY), 2))") == [0, 0]


def test_the_tables_that_find_pages_are_memory_too(enrol):
    student = enrol(replace(SMALL, memory_gb=0.25))
    student.run(
        "import mmap as m\nheld = m.mmap(-1, 2**38, m.MAP_PRIVATE | m.MAP_ANONYMOUS, m.PROT_READ)\n"
        "for place in range(0, len(held), 2**21): held[place]"
    )
    assert broken_limit(student).endswith("more than the 0.25 GB allowed")


def test_memory_within_the_limit_breaks_nothing(student):
    student.run("held = b'x' * (100 * 2**20)")
    assert student.pair.poll() == ""


def test_the_private_folder_fills_up_at_its_limit(student):
    code = """
import os
found = 0
try:
    while found < 100:
        with open(f"/tmp/work/{found}", "wb") as file:
            file.write(bytes(2**20))
        found += 1
except OSError as error:
    reason = error.strerror
"""
    assert student.run(code) <= SMALL.file_mb
    assert student.run("found = reason") == "No space left on device"
    assert "No space left" in student.error("open('/dev/shm/x', 'wb').write(bytes(2**20))"), "shared memory is no more"


def test_one_file_grows_no_further_than_the_limit(student):
    assert "File too large" in student.error(f"open('/tmp/work/x', 'wb').truncate({(SMALL.file_mb + 1) * 2**20})")


def test_a_flood_of_empty_files_ends(student):
    code = """
found = 0
try:
    while found < 100_000:
        open(f"/tmp/work/{found}", "w").close()
        found += 1
except OSError:
    pass
"""
    assert student.run(code) < 20_000


def test_a_full_folder_is_nobody_elses(enrol):
    full, other = enrol(), enrol()
    full.error(f"open('/tmp/work/x', 'wb').write(bytes({SMALL.file_mb} * 2**20))")
    assert other.run("found = open('/tmp/work/x', 'wb').write(bytes(2**20))") == 2**20


@pytest.mark.parametrize("kind", ["DATA", "NPROC", "FSIZE", "NOFILE"])
def test_no_limit_can_be_raised_again(student, kind):
    code = f"import resource as r; r.setrlimit(r.RLIMIT_{kind}, (r.RLIM_INFINITY, r.RLIM_INFINITY))"
    assert "ValueError" in student.error(code) or "PermissionError" in student.error(code)


def test_no_right_to_be_served_first_is_handed_on(monkeypatch):
    """Some desktops grant it to their users, and one busy process with it leaves nothing to anybody."""
    lowered: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: lowered.update({kind: pair}))
    bound_this_process(asdict(SMALL), count_processes=False)
    assert lowered[resource.RLIMIT_RTPRIO] == lowered[resource.RLIMIT_NICE] == (0, 0)


def test_open_files_are_bounded(student):
    assert "Too many open files" in student.error(
        "import os\nends = []\nwhile len(ends) < 10_000: ends.append(os.pipe())"
    )


def test_a_pipe_of_multiprocessing_works(student):
    code = """
import multiprocessing
queue = multiprocessing.get_context("fork").SimpleQueue()
child = multiprocessing.get_context("fork").Process(target=queue.put, args=(7,))
child.start(); found = queue.get(); child.join()
"""
    assert student.run(code) == 7
