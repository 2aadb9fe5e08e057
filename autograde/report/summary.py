"""One lab of a class in numbers. Table, page, pictures and JSON are views of this one value.

A submission has a *score* unless nothing was handed in or the grader itself failed: those two come to 0 points
somewhere else, but nobody knows what they are worth, so no mean and no median counts them.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from autograde.inside.results import STATUSES, ExerciseResult, SubmissionResult

NO_SCORE = ("missing", "grader_error")
FAILURES = ("timed_out", "kernel_died", "unreadable", "missing", "grader_error")
EXERCISE_STATUSES = ("right", "partial", "wrong", "not_attempted", "not_run", "needs_grader")
UNTRIED = ("not_attempted", "not_run")
MOST_BINS = 12
WIDTHS = (1, 2, 5, 10, 20, 25, 50, 100)  # points of one bin


@dataclass(frozen=True)
class Bin:
    """How many have a score from `low` up to, not including, `high`; the last bin takes all from `low` on."""

    low: float
    high: float
    whole: int  # notebooks that came to their end
    stopped: int  # and that did not


@dataclass(frozen=True)
class ExerciseSummary:
    """How one exercise went. `mean` is in points, over all submissions; `attempted` leaves out stubs and what did not
    run."""

    id: str
    title: str
    max_score: float
    submissions: int
    attempted: int
    right: int
    mean: float
    statuses: dict[str, int]


@dataclass(frozen=True)
class Misconception:
    """A wrong idea that the tests recognised: how many had it, of those who attempted its exercise."""

    exercise: str
    title: str
    name: str
    count: int
    attempted: int
    share: float
    sentence: str  # what one of them was told


@dataclass(frozen=True)
class Failure:
    """A notebook that did not come to its end, or was not graded at all."""

    student: str
    status: str
    sentence: str


@dataclass(frozen=True)
class Regraded:
    """What was changed by grading again: `exercise` is "" where all of it was graded again."""

    student: str
    exercise: str
    note: str
    score_before: float
    score_after: float


@dataclass(frozen=True)
class Summary:
    """One lab of a class."""

    lab: str
    submissions: int
    max_score: float
    statuses: dict[str, int]
    mean: float | None
    median: float | None
    histogram: tuple[Bin, ...]
    no_score: int
    waiting: int  # submissions with an answer that a person still has to read
    exercises: tuple[ExerciseSummary, ...]
    misconceptions: tuple[Misconception, ...]
    failures: tuple[Failure, ...]
    regraded: tuple[Regraded, ...]
    unsafe: int  # submissions that ran without a sandbox

    def public(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return asdict(self)


def by_lab(results: Iterable[SubmissionResult]) -> dict[str, list[SubmissionResult]]:
    """Return the results of each lab."""
    found = sorted(results, key=lambda result: (result.lab, result.student))
    return {lab: list(mine) for lab, mine in groupby(found, key=lambda result: result.lab)}


def summary(lab: str, results: Sequence[SubmissionResult]) -> Summary:
    """Return one lab of a class in numbers."""
    scores = [result.score for result in results if result.status not in NO_SCORE]
    statuses = Counter(result.status for result in results)
    exercises = tuple(_exercises(results))
    return Summary(
        lab=lab,
        submissions=len(results),
        max_score=max((result.max_score for result in results), default=0.0),
        statuses={status: statuses[status] for status in STATUSES if statuses[status]},
        mean=round(statistics.fmean(scores), 2) if scores else None,
        median=statistics.median(scores) if scores else None,
        histogram=_histogram(results),
        no_score=len(results) - len(scores),
        waiting=sum(any(one.status == "needs_grader" for one in result.exercises) for result in results),
        exercises=exercises,
        misconceptions=tuple(_misconceptions(results, exercises)),
        failures=tuple(Failure(one.student, one.status, one.sentence) for one in results if one.status in FAILURES),
        regraded=tuple(
            Regraded(one.student, again.exercise, again.note, again.score_before, again.score_after)
            for one in results
            for again in one.history
        ),
        unsafe=sum(result.isolation == "none" for result in results),
    )


def _histogram(results: Sequence[SubmissionResult]) -> tuple[Bin, ...]:
    most = max((result.max_score for result in results), default=0.0)
    width = next((width for width in WIDTHS if most / width <= MOST_BINS), most / MOST_BINS)
    last = max(math.ceil(most / width) - 1, 0)
    counted = Counter(
        (min(max(int(result.score // width), 0), last), result.status in FAILURES)
        for result in results
        if result.status not in NO_SCORE
    )
    return tuple(
        Bin(place * width, min((place + 1) * width, most), counted[place, False], counted[place, True])
        for place in range(last + 1)
    )


def _exercises(results: Sequence[SubmissionResult]) -> Iterable[ExerciseSummary]:
    found: dict[str, list[ExerciseResult]] = {}
    for result in results:
        for exercise in result.exercises:
            found.setdefault(exercise.id, []).append(exercise)
    for name, got in found.items():
        counts = Counter(one.status for one in got)
        statuses = {status: counts[status] for status in EXERCISE_STATUSES if counts[status]}
        attempted = len(got) - sum(counts[status] for status in UNTRIED)
        mean = round(statistics.fmean(one.score for one in got), 2)
        yield ExerciseSummary(
            name, got[0].title, got[0].max_score, len(got), attempted, counts["right"], mean, statuses
        )


def _misconceptions(
    results: Sequence[SubmissionResult], exercises: Iterable[ExerciseSummary]
) -> Iterable[Misconception]:
    """Yield the recognised wrong ideas, the most frequent first."""
    told: dict[tuple[str, str], list[str]] = {}
    for one in (one for result in results for one in result.exercises if one.misconception):
        told.setdefault((one.id, one.misconception), []).append(one.message)
    known = {exercise.id: exercise for exercise in exercises}
    for (name, idea), messages in sorted(told.items(), key=lambda found: (-len(found[1]), found[0])):
        tried, count = max(known[name].attempted, 1), len(messages)
        example = Counter(messages).most_common(1)[0][0]
        yield Misconception(name, known[name].title, idea, count, tried, round(count / tried, 4), example)
