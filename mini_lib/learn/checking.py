"""What a student calls: `check` an answer, ask for a `hint`, open a lab."""

from __future__ import annotations

import os

from mini_lib import withheld
from mini_lib.learn.exercise import Exercise
from mini_lib.learn.judging import judge
from mini_lib.learn.showing import Note, show
from mini_lib.learn.verdicts import Verdict, require

_hints_given: dict[str, int] = {}  # exercise id -> hints shown so far in this session


def check(exercise: Exercise, fn: object) -> Verdict:
    """Show the verdict on `fn`, and a picture of the student's own answer where the exercise draws one; return it.

    While a person works it raises nothing. Under nbgrader's `validate` and `autograde` it then raises as `require`
    does, because there an error is how a cell says that it failed.
    """
    verdict = judge(exercise, fn)
    show(Note(verdict.status, verdict.sentence))
    if exercise.picture is not None and verdict.outcomes:
        _draw(exercise, verdict)
    if os.environ.get("NBGRADER_EXECUTION") in ("autograde", "validate"):  # nbgrader's converters set it
        require(verdict)
    return verdict


def _draw(exercise: Exercise, verdict: Verdict) -> None:
    assert exercise.picture is not None
    try:
        figure = exercise.picture(verdict.outcomes)
    except Exception as error:  # an answer of another shape cannot be drawn; its verdict stands without a picture
        show(f"(No picture: it could not be drawn. {type(error).__name__}: {error})")
        return
    if figure is not None:
        show(figure)


def hint(exercise: Exercise, n: int | None = None) -> None:
    """Show hint `n` (from 1), or the next one: where to look, then what to do, then nearly the line itself."""
    if not exercise.hints:
        show(Note("hint", f"{exercise.title} has no hints."))
        return
    last = len(exercise.hints)
    step = n if n is not None else min(_hints_given.get(exercise.id, 0) + 1, last)
    if not 1 <= step <= last:
        show(Note("hint", f"{exercise.title} has hints 1 to {last}; there is no hint {step}."))
        return
    _hints_given[exercise.id] = max(step, _hints_given.get(exercise.id, 0))
    show(Note("hint", f"{step} of {last}: {exercise.hints[step - 1]}"))


def start_lab(lab: str) -> None:
    """Open `lab` in this kernel: from now on `mini_lib` refuses to do what that lab asks for."""
    withheld.begin(lab)
    number = int(lab.removeprefix("lab"))
    print(f"Lab {number} is open. What it asks for, mini_lib withholds here: read it, then write your own.")
