"""The results of a class, as grading stored them."""

from __future__ import annotations

import json
from pathlib import Path

from autograde.course import CannotGrade
from autograde.inside.results import SubmissionResult, from_stored


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
        way_out = "Grade the class again: that sets it aside, and runs this submission alone"
        raise CannotGrade(f"{path} cannot be read ({type(error).__name__}: {error}). {way_out}.") from error


def by_lab_and_student(result: SubmissionResult) -> tuple[str, str]:
    """Return what a class is sorted by."""
    return result.lab, result.student
