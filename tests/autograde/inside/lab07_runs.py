"""Answers to lab 7 graded by the pair of processes, several in one hand-in where their exercises are independent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from typing import Any, Protocol

from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.mutants import Answers, load_answers
from tests.autograde.inside import pair

SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))


class Answer(Protocol):
    """A wrong answer, a right one, or a cheat."""

    @property
    def exercise(self) -> str: ...


@cache
def lab() -> pair.Made:
    """Return the lab. Its limits here are for a machine on which many tests run at once."""
    import mini_lib.engine
    import mini_lib.labs.lab07  # noqa: F401 - loaded before the first tester is forked

    made = pair.named("lab07_overlap")
    return replace(made, limits={"cell_seconds": 240, "submission_seconds": 600})


@cache
def answers() -> Answers:
    return load_answers(lab().lab.folder / "mutants.py")


def graded(codes: dict[str, str]) -> SubmissionResult:
    """Return what the solution with these cells in it came to."""
    return pair.graded(lab(), {**lab().solution, **codes})


def of(result: SubmissionResult, exercise: str) -> ExerciseResult:
    return next(one for one in result.exercises if one.id == exercise)


def together(found: Iterable[Answer]) -> list[tuple[Answer, ...]]:
    """Return these answers in as few hand-ins as their exercises allow: one of each, and 7.6 alone."""
    apart: dict[str, list[Answer]] = {}
    for one in found:
        apart.setdefault(one.exercise, []).append(one)
    alone = [(one,) for exercise, ones in apart.items() if exercise not in lab().lab.answers_together for one in ones]
    columns = [ones for exercise, ones in apart.items() if exercise in lab().lab.answers_together]
    return [tuple(one for one in row if one is not None) for row in zip_longest(*columns)] + alone


def some(hand_ins: list[tuple[Any, ...]], every: int) -> list[tuple[Any, ...]]:
    """Return each so many-th hand-in, all of them in a soak."""
    return hand_ins if SOAK else hand_ins[::every]
