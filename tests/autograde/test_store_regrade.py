"""Grading one submission again: who asked for it and what moved is kept, whatever happens later."""

import json
from dataclasses import replace

import pytest

from tests.autograde import quick_grade
from tests.autograde.quick_class import answers, left, result, runs


@pytest.fixture
def right(toy, monkeypatch):
    """From now on every answer is right, as after a test was mended; return the class as it was graded before."""
    real = quick_grade.reply

    def reply(job):
        job = replace(job, student="solution")
        return real(job)

    monkeypatch.setattr(quick_grade, "reply", reply)
    return toy


def wrong_one(toy):
    """Return a student whose `double` was wrong."""
    return next(name for name in ("ada", "bob", "cyd") if result(toy.out, name)["exercises"][0]["status"] == "wrong")


def test_a_note_and_the_scores_before_and_after_are_kept_and_survive_later_runs(right):
    student = wrong_one(right)
    called = right.call("regrade", student, "--note", "the test was wrong", "--json")
    assert called.returncode == 0, called.stderr
    moved = {"note": "the test was wrong", "exercise": "", "score_before": 4.0, "score_after": 6.0}
    assert json.loads(called.stdout) == {"version": 1, "student": student, "lab": "toy", **moved}
    assert result(right.out, student)["history"] == [moved]
    right.hand_in({student: answers(99)})
    right.grade()
    assert result(right.out, student)["history"] == [moved]


def test_with_an_exercise_only_that_one_is_replaced(right):
    student = wrong_one(right)
    before = result(right.out, student)
    right.hand_in({student: {**answers(5), "roots": "def roots(numbers):\n    return 7"}})
    called = right.call("regrade", student, "double", "--note", "heard him out")
    assert called.returncode == 0, called.stderr
    assert "double: 0 points before, 2 after. Note: heard him out" in called.stdout
    after = result(right.out, student)
    assert after["exercises"][1:] == before["exercises"][1:]
    assert after["exercises"][0]["status"] == "right"
    assert after["score"] == before["score"] + 2
    assert after["key"] == before["key"]  # so that the next `grade` runs the rest of what was handed in anew
    assert f"{student},toy,graded,6" in (right.out / "grades.csv").read_text()


@pytest.mark.parametrize(("arguments", "told"), [
    (["eve", "--note", "x"], "has no student 'eve'. This class has: ada, bob, cyd."),
    (["ada", "halve", "--note", "x"], "There is no exercise 'halve'. The exercises: double, roots, why."),
])  # fmt: skip
def test_what_is_not_there_cannot_be_regraded(toy, arguments, told):
    before = left(toy.out)
    called = toy.call("regrade", *arguments)
    assert (called.returncode, told in called.stderr) == (1, True), called.stderr
    assert left(toy.out) == before
    assert len(runs(toy.out)) == 3
