"""The class at a glance, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograde.inside.results import SubmissionResult
from autograde.pages import points
from autograde.report.summary import Summary, by_lab, summary

MARKS = {"right": "+", "partial": "/", "wrong": "x", "not_attempted": ".", "not_run": "!", "needs_grader": "?"}
LEGEND = "+ right   / partly   x wrong   . not attempted   ! did not run   ? a person reads it"
UNSAFE = "GRADED WITHOUT A SANDBOX (--unsafe): nothing kept one notebook from touching another, or these results."


def table(results: Sequence[SubmissionResult]) -> str:
    """Return the class as text: a line per submission, then counts per status and success per exercise."""
    return "\n\n".join(_lab(lab, mine) for lab, mine in by_lab(results).items())


def _lab(lab: str, results: Sequence[SubmissionResult]) -> str:
    counted = summary(lab, results)
    banner = [UNSAFE, ""] if counted.unsafe else []
    return "\n".join([*banner, lab, *_lines(results), "", LEGEND, "", *_shares(counted), *_regrades(counted)])


def _lines(results: Sequence[SubmissionResult]) -> list[str]:
    width = max(len(result.student) for result in results)
    return [f"  {result.student:<{width}}  {_line(result)}".rstrip() for result in results]


def _line(result: SubmissionResult) -> str:
    got = f"{points(result.score)} / {points(result.max_score)}"
    marks = " ".join(MARKS.get(exercise.status, "?") for exercise in result.exercises)
    return f"{got:>11}  {marks}  {result.status:<13}  {result.sentence}"


def _shares(counted: Summary) -> Iterable[str]:
    waiting = f"; in {counted.waiting} a person has yet to read an answer" if counted.waiting else ""
    yield "  " + ", ".join(f"{count} {status}" for status, count in counted.statuses.items()) + waiting
    for one in counted.exercises:
        share = f"{one.right} of {one.submissions} right, mean {points(one.mean)}"
        yield f"  {one.id}: {share} of {points(one.max_score)} points"


def _regrades(counted: Summary) -> Iterable[str]:
    if counted.regraded:
        yield from ("", "Graded again:")
    for one in counted.regraded:
        change = f"{points(one.score_before)} -> {points(one.score_after)} points"
        yield f"  {one.student}{f', {one.exercise}' if one.exercise else ''}: {change}. {one.note}".rstrip()
