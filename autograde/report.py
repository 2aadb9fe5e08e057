"""The class at a glance: a table for the terminal, a CSV for the spreadsheet, shares per exercise."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograde.course import CannotGrade
from autograde.inside.results import STATUSES, SubmissionResult, from_stored

MARKS = {"right": "+", "partial": "/", "wrong": "x", "not_attempted": ".", "not_run": "!", "needs_grader": "?"}
LEGEND = "+ right   / partly   x wrong   . not attempted   ! did not run   ? a person reads it"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would execute a cell that starts so


def load(results: Path) -> list[SubmissionResult]:
    """Return every stored result below a folder, by lab and student.

    Raises:
        CannotGrade: a file is damaged, or was written by another version of the grader.
    """
    return sorted((_stored(path) for path in results.glob("*/*/results.json")), key=by_lab_and_student)


def _stored(path: Path) -> SubmissionResult:
    try:
        return from_stored(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        way_out = "Remove it and grade the class again"
        raise CannotGrade(f"{path} cannot be read ({type(error).__name__}: {error}). {way_out}.") from error


def by_lab_and_student(result: SubmissionResult) -> tuple[str, str]:
    """Return what a class is sorted by."""
    return result.lab, result.student


def table(results: Sequence[SubmissionResult]) -> str:
    """Return the class as text: a line per submission, then counts per status and success per exercise."""
    parts = []
    for lab in sorted({result.lab for result in results}):
        mine = [result for result in results if result.lab == lab]
        parts.append("\n".join([lab, *_lines(mine), "", LEGEND, "", *_shares(mine)]))
    return "\n\n".join(parts)


def _lines(results: Sequence[SubmissionResult]) -> list[str]:
    width = max(len(result.student) for result in results)
    return [f"  {result.student:<{width}}  {_line(result)}".rstrip() for result in results]


def _line(result: SubmissionResult) -> str:
    points = f"{result.score:g} / {result.max_score:g}"
    marks = " ".join(MARKS[exercise.status] for exercise in result.exercises)
    return f"{points:>11}  {marks}  {result.status:<13}  {result.sentence}"


def _shares(results: Sequence[SubmissionResult]) -> list[str]:
    counts = Counter(result.status for result in results)
    lines = ["  " + ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])]
    for exercise in success(results):
        share = f"{exercise['right']} of {exercise['submissions']} right, mean {exercise['mean']:g}"
        lines.append(f"  {exercise['id']}: {share} of {exercise['max_score']:g} points")
    return lines


def success(results: Sequence[SubmissionResult]) -> list[dict[str, str | float]]:
    """Return per exercise how many got it right and how many points it brought on average."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for result in results:
        for exercise in result.exercises:
            found.setdefault(exercise.id, []).append((exercise.status, exercise.score, exercise.max_score))
    return [
        {
            "id": name,
            "right": sum(status == "right" for status, _, _ in got),
            "submissions": len(got),
            "mean": round(sum(score for _, score, _ in got) / len(got), 2),
            "max_score": got[0][2],
        }
        for name, got in found.items()
    ]


def grades_csv(results: Sequence[SubmissionResult]) -> str:
    """Return the class as CSV: status and total, then a column per exercise."""
    names = list(dict.fromkeys(exercise.id for result in results for exercise in result.exercises))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["student", "lab", "status", "score", "max_score", *names, "note"])
    for result in results:
        scores = {exercise.id: exercise.score for exercise in result.exercises}
        row: list[str | float] = [result.student, result.lab, result.status, result.score, result.max_score]
        row += [scores.get(name, "") for name in names]
        rows.writerow([inert(cell) for cell in [*row, result.sentence]])
    return text.getvalue()


def inert(cell: str | float) -> str | float:
    """Return a cell that a spreadsheet shows and does not execute."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def as_json(results: Iterable[SubmissionResult]) -> dict[str, object]:
    """Return what `report --json` prints."""
    listed = list(results)
    labs = sorted({result.lab for result in listed})
    return {
        "version": 1,
        "labs": [
            {
                "lab": lab,
                "statuses": dict(Counter(one.status for one in listed if one.lab == lab)),
                "exercises": success([one for one in listed if one.lab == lab]),
            }
            for lab in labs
        ],
        "submissions": [one.public() for one in listed],
    }
