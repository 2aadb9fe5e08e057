"""The disk is full, the gradebook busy, or somebody stops the grader: a sentence, and it goes on later."""

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from autograde.course import ROOT
from autograde.gradebook import url
from autograde.release import release
from tests.autograde.quick_class import QUICK, class_of, dump, hand_in, left, runs, started

SIZE = 12


@pytest.fixture
def toy(new_class):
    toy = new_class()
    hand_in(toy.course, release(toy.course, toy.lab), class_of(SIZE))
    return toy


def graded(toy, *more, **popen):
    with started(["grade", "--course", str(toy.course.root), *more], **popen) as grader:
        out, err = grader.communicate()
    return grader.returncode, out, err


def whole(toy):
    """Return how many results there are; every one can be read, and no part of a file is left."""
    assert list(toy.out.rglob("*.part")) == []
    return len([json.loads(path.read_text()) for path in toy.out.glob("results/*/*/results.json")])


def test_a_file_that_cannot_be_written_ends_the_run_and_the_next_goes_on(toy):
    """A limit on the size of a file stands for a quota: one notebook in the middle of the class is beyond it."""
    large = {"student0006": {"double": "def double(x):\n    return 2 * x\n" + "# a long thought\n" * 70_000}}
    hand_in(toy.course, release(toy.course, toy.lab), large)

    def bounded():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))

    status, _, err = graded(toy, preexec_fn=bounded)
    assert status == 1
    assert err.startswith("autograde: [Errno 27] File too large") and "room on the disk" in err
    assert whole(toy) == 6
    assert graded(toy)[0] == 0
    assert len(runs(toy.out)) == whole(toy) == SIZE


@pytest.mark.sandbox
@pytest.mark.skipif(not shutil.which("bwrap"), reason="a small disk is made with bubblewrap")
@pytest.mark.parametrize("kilobytes", [100, 250, 320, 380])
def test_on_a_full_disk_nothing_is_half_written_and_grading_goes_on_when_there_is_room(toy, tmp_path, kilobytes):
    """A disk of 2 MB in memory, filled up but for so many kilobytes, and later cleared."""
    kept, at_once = tmp_path / "kept", tmp_path / "at_once"
    grade = f"{sys.executable} -m {QUICK} grade --course {toy.course.root}"
    script = f"""
        head -c {2_000_000 - kilobytes * 1000} /dev/zero > {toy.out}/filler
        {grade} 2> {tmp_path}/said; echo $? > {tmp_path}/status
        cp -r {toy.out} {at_once}; rm {toy.out}/filler
        {grade} && cp -r {toy.out} {kept}"""
    toy.out.mkdir(parents=True)
    disk = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(toy.out)]
    done = subprocess.run([*disk, "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text()
    assert (tmp_path / "status").read_text() == "1\n"
    assert "No space left on device" in said or "disk is full" in said
    assert said.count("\n") == 1 and "Traceback" not in said
    assert list(at_once.rglob("*.part")) == []
    assert graded(toy)[0] == 0
    assert left(kept) == left(toy.out)
    assert dump(url(kept / "gradebook.db")) == dump(url(toy.out / "gradebook.db"))
    assert len(set(runs(kept))) == len(runs(kept)) == SIZE


def test_another_writer_who_holds_the_gradebook_for_8_seconds_is_waited_for(toy):
    assert graded(toy)[0] == 0
    hand_in(toy.course, release(toy.course, toy.lab), {"late": {"double": "double = abs"}})
    book = sqlite3.connect(toy.out / "gradebook.db", isolation_level=None, check_same_thread=False)
    book.execute("BEGIN EXCLUSIVE")
    threading.Timer(8, book.rollback).start()
    status, _, err = graded(toy)
    assert status == 0, err
    held = sqlite3.connect(toy.out / "gradebook.db").execute("SELECT count(*) FROM submitted_assignment").fetchone()
    assert held == (SIZE + 1,)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_the_grader_finds_what_was_graded_and_goes_on_from_there(toy, stop):
    with started(["grade", "--course", str(toy.course.root)], seconds=0.2) as grader:
        while len(runs(toy.out)) < 3 and grader.poll() is None:
            time.sleep(0.02)
        grader.send_signal(stop)
        err = grader.communicate()[1]
    assert grader.returncode == 1
    assert err == "autograde: stopped by you. What is done is kept: the same command goes on from there.\n"
    assert 3 <= whole(toy) < SIZE
    assert graded(toy)[0] == 0
    assert len({student for student, _ in runs(toy.out)}) == len(runs(toy.out)) == whole(toy) == SIZE
