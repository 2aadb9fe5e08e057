"""Answers to lab 7 graded by the pair of processes, several in one hand-in where their exercises are independent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from autograde.check import packs
from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.mutants import Answers, load_answers
from tests.autograde.inside import pair

SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))


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


def together(found: Iterable[Any]) -> list[list[Any]]:
    """Return these answers in as few hand-ins as their exercises allow: one of each, and 7.6 alone."""
    return packs(list(found), lab().lab.answers_together)


def some(hand_ins: list[Any], every: int) -> list[Any]:
    """Return each so many-th hand-in, all of them in a soak."""
    return hand_ins if SOAK else hand_ins[::every]
