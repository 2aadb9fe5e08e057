"""The graded class that a verb looks at: stored results, with the marks of people in place of ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from autograde.course import CannotGrade, Course
from autograde.inside.results import SubmissionResult
from autograde.marks import held
from autograde.merged import with_marks
from autograde.report import load
from autograde.verbs.options import the_class


def the_graded(options: argparse.Namespace) -> tuple[Course, Path, list[SubmissionResult]]:
    """Return the course, the folder of the class, and its results by lab and student.

    Raises:
        CannotGrade: there is no such class, or it was not graded yet, or not in this lab.
    """
    course, folder = the_class(options)
    results = load(course.out(folder) / "results")
    if options.lab:
        lab = course.lab(options.lab).name
        results = [one for one in results if one.lab == lab]
    if not results and not folder.is_dir():
        raise CannotGrade(f"There is no folder {folder}, and no class of that name was graded.")
    if not results:
        raise CannotGrade(f"{folder} was not graded yet. Run `python -m autograde grade {quote(str(folder))}`.")
    return course, folder, with_marks(results, held(course.database(folder, options.db)))
