"""Grades for other programs: a spreadsheet, Canvas, Moodle, or a program of your own.

Each format is one function from results to text. In none does a grade that failed look like a grade of 0: where the
grader failed, the cell is empty (`-` in Moodle) and the status says why. A notebook that was not handed in has no grade
in Canvas and Moodle either, so that their own rule for missing work decides; in the plain CSV it has 0 and its status.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence

from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.pages import points
from autograde.report.cells import inert, one_line
from autograde.report.next_steps import NEXT_STEPS
from autograde.report.summary import NO_SCORE, by_lab, summary

Row = Sequence[str | float | None]  # None: no grade
BYTE_ORDER_MARK = "\ufeff"  # the sign by which Excel knows UTF-8


def grades_csv(results: Sequence[SubmissionResult]) -> str:
    """Return the class for a spreadsheet: a row per submission, with status and total, then a column per exercise.

    The cell of an exercise is empty where it did not run, or waits for a person.
    """
    names = list(dict.fromkeys(exercise.id for result in results for exercise in result.exercises))
    header = ["student", "lab", "status", "score", "max_score", *names, "note"]
    return _csv([header, *(_row(result, names) for result in results)])


def _row(result: SubmissionResult, names: Sequence[str]) -> Row:
    scores = {exercise.id: _score(exercise) for exercise in result.exercises}
    total = None if result.status == "grader_error" else result.score
    cells = [scores.get(name) for name in names]
    return [result.student, result.lab, result.status, total, result.max_score, *cells, result.sentence]


def _score(exercise: ExerciseResult) -> float | None:
    return None if exercise.status in ("not_run", "needs_grader") else exercise.score


def canvas_csv(results: Sequence[SubmissionResult]) -> str:
    """Return what Canvas takes under Grades, Import: a row per student, a column per lab, and their points.

    Canvas finds the student by `SIS Login ID`, and the assignment by its title; a title that it does not know becomes
    a new assignment.
    """
    labs = by_lab(results)
    most: list[str | float] = [max(one.max_score for one in mine) for mine in labs.values()]
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *labs]
    possible = ["    Points Possible", "", "", "", "", *most]
    found = {(one.student, one.lab): one for one in results}
    rows = [
        [student, "", "", student, "", *(_grade(found.get((student, lab))) for lab in labs)]
        for student in _students(results)
    ]
    return _csv([header, possible, *rows])


def moodle_csv(results: Sequence[SubmissionResult]) -> str:
    """Return what Moodle takes under Grades, Import, CSV file: a row per student, grade and feedback per lab.

    Map `username` to the student, and of each lab *both* columns: Moodle deletes the grades of one that comes with
    feedback alone. An unknown student stops Moodle's import.
    """
    labs = by_lab(results)
    header = ["username", *(column for lab in labs for column in (lab, f"{lab} feedback"))]
    found = {(one.student, one.lab): one for one in results}
    rows = []
    for student in _students(results):
        mine = [found.get((student, lab)) for lab in labs]
        rows.append([student, *(cell for one in mine for cell in (_grade(one), _told(one)))])
    return _csv([header, *rows], no_grade="-")


def _students(results: Iterable[SubmissionResult]) -> list[str]:
    return sorted({result.student for result in results})


def _grade(result: SubmissionResult | None) -> float | None:
    if result is None or (result.status in NO_SCORE and not result.score):
        return None
    return result.score


def _told(result: SubmissionResult | None) -> str:
    """Return status and sentence, and what each exercise came to."""
    if result is None:
        return ""
    got = [f"{one.title}: {points(one.score)} of {points(one.max_score)}" for one in result.exercises]
    return f"{result.status.replace('_', ' ')}. {result.sentence} " + ", ".join(got)


def _csv(rows: Iterable[Row], no_grade: str = "") -> str:
    """Return rows as CSV, in which nothing is executed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(no_grade if cell is None else _cell(cell) for cell in row)
    return text.getvalue()


def _cell(cell: str | float) -> str | float:
    return inert(one_line(cell)) if isinstance(cell, str) else cell


def as_json(results: Iterable[SubmissionResult]) -> dict[str, object]:
    """Return what `report --json` prints: each lab in numbers, then every submission."""
    listed = list(results)
    labs = [summary(lab, mine) for lab, mine in by_lab(listed).items()]
    return {
        "version": 1,
        "labs": [one.public() | {"next_steps": {status: NEXT_STEPS[status] for status in NEXT_STEPS
                                                if status in one.statuses}} for one in labs],
        "submissions": [one.public() for one in listed],
    }  # fmt: skip


def class_json(results: Sequence[SubmissionResult]) -> str:
    """Return the class as JSON for a program of your own."""
    return json.dumps(as_json(results), indent=1, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Sequence[SubmissionResult]], str]] = {
    "csv": grades_csv,
    "canvas": canvas_csv,
    "moodle": moodle_csv,
    "json": class_json,
}
