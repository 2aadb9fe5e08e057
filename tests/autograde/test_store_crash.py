"""The grader is killed at random moments and started again: in the end all is as if nothing had happened.

With LAUNCH_BOUND_SOAK in the environment, a class of 2,000 and 20 kills. Who runs the notebooks is tested elsewhere.
"""

import os
import random
import shutil
import time
from dataclasses import replace

import pytest

from autograde.gradebook import url
from autograde.release import release
from tests.autograde.quick_class import class_of, dump, hand_in, left, runs, started

SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))
STUDENTS, KILLS = (2000, 20) if SOAK else (40, 5)
SECONDS = 0.02  # of a submission: long enough that a kill finds the class half graded
ODD = {"missing": None, "no_json": b"{", "empty": b"", "a_list": b"[]", "deep": b"[" * 100_000}


@pytest.fixture(scope="module")
def handed_in(new_class):
    """A class that nobody has graded yet, of whom every eighth handed in no notebook that can be read."""
    toy = new_class()
    hand_in(toy.course, release(toy.course, toy.lab), class_of(STUDENTS))
    for number, student in enumerate(sorted(toy.course.submitted.iterdir())[::8]):
        path, text = student / "toy" / "toy.ipynb", list(ODD.values())[number % len(ODD)]
        path.write_bytes(text) if text is not None else path.unlink()
    return toy


def copied(toy, to):
    shutil.copytree(toy.course.root, to)
    return replace(toy.course, root=to)


def killed_after(course, written):
    """Grade, and kill the grader once it has written so many more results; return whether it was killed in time."""
    out, arguments = course.out(course.submitted), ["grade", "--course", str(course.root)]
    before = len(runs(out))
    with started(arguments, SECONDS) as grader:
        while grader.poll() is None and len(runs(out)) - before < written:
            time.sleep(random.random() / 50)
        grader.kill()
    return grader.returncode == -9


def test_a_grader_that_is_killed_loses_nothing_and_grades_nothing_twice(handed_in, tmp_path):
    draw = random.Random(5)
    course = copied(handed_in, tmp_path / "killed")
    out, kept, killed = course.out(course.submitted), {}, 0
    for written in [0, *(draw.randrange(1, STUDENTS // KILLS) for _ in range(KILLS - 1))]:
        killed += killed_after(course, written)
        results = {path: path.stat().st_mtime_ns for path in out.glob("results/*/*/results.json")}
        assert results.items() >= kept.items(), "a result that was there was written again"
        kept = results
    assert killed == KILLS
    assert 0 < len(kept) < STUDENTS, "the kills came before or after all the work"
    assert finished(course) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    graded = runs(out)
    assert len(set(graded)) == len(graded), "a submission was graded twice"
    assert STUDENTS - KILLS <= len(graded) <= STUDENTS  # killed between a result and its line in the log
    whole = copied(handed_in, tmp_path / "whole")
    assert finished(whole) == 0
    assert left(out) == left(whole.out(whole.submitted))
    assert dump(url(out / "gradebook.db")) == dump(url(whole.out(whole.submitted) / "gradebook.db"))


def test_a_grader_that_is_killed_while_it_brings_the_views_in_line_heals_them(handed_in, tmp_path):
    """All is graded; the gradebook, the pages or the CSV are not there, or half there, as at any moment after."""
    course = copied(handed_in, tmp_path / "views")
    out = course.out(course.submitted)
    assert finished(course) == 0
    before, held = left(out), dump(url(out / "gradebook.db"))
    for seconds in (0.3, 0.6, 0.9, 1.2, 1.5):
        (out / "gradebook.db").unlink(missing_ok=True)
        shutil.rmtree(out / "feedback", ignore_errors=True)
        with started(["grade", "--course", str(course.root)]) as grader:
            time.sleep(seconds * 2)
            grader.kill()
    assert finished(course) == 0
    assert (left(out), dump(url(out / "gradebook.db"))) == (before, held)
    assert len(runs(out)) == STUDENTS


def finished(course):
    with started(["grade", "--course", str(course.root)]) as grader:
        said = grader.communicate()[1]
    assert grader.returncode == 0, said
    return grader.returncode
