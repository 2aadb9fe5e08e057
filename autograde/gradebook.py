"""nbgrader's gradebook, with one writer: the process that the instructor started.

Scores go in through nbgrader's own `SaveAutoGrades`, from a notebook that holds every graded cell: a cell that did
not run carries an error and comes to 0, so no score of an earlier submission survives. What a person has entered
(manual score, comment, extra credit) is never touched.
"""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import SaveAutoGrades
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograde.course import CannotGrade
from autograde.release import generate, own_commands_on_path

COURSE_ID = "launch-bound"


class Mark(NamedTuple):
    """What the gradebook holds for one graded cell. `manual` is None until a person has graded it."""

    score: float
    manual: float | None
    needs_grader: bool
    comment: str


def url(path: Path) -> str:
    """Return the address of a gradebook file; 60 s outlast another writer's lock."""
    return f"sqlite:///{path}?timeout=60"


def create(path: Path, blank: Path) -> None:
    """Make an empty gradebook where there is none. Making one takes nbgrader 2 s, so `blank` is kept and copied."""
    if not blank.exists():
        blank.parent.mkdir(parents=True, exist_ok=True)
        unfinished = blank.with_suffix(f".{os.getpid()}")
        with own_commands_on_path():
            Gradebook(url(unfinished), COURSE_ID).close()
        unfinished.replace(blank)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blank, path)


def register(source: NotebookNode, lab: str, path: Path) -> None:
    """Write the lab's cells into the gradebook.

    A gradebook whose lab has lost or gained cells is started over, unless a person has graded in it.

    Raises:
        CannotGrade: cells changed, and marks by hand would be lost; or the file is no gradebook.
    """
    try:
        generate(source, lab, url(path))
    except CannotGrade as error:
        if "Cannot add or remove cells" not in str(error):  # the lab is well: it was released a moment ago
            raise CannotGrade(f"The gradebook {path} cannot be used. Move it away and grade again. {error}") from error
        _start_over(lab, path)
        generate(source, lab, url(path))


def _start_over(lab: str, path: Path) -> None:
    with Gradebook(url(path), COURSE_ID) as book:
        submissions = book.assignment_submissions(lab)
        grades = [grade for one in submissions for notebook in one.notebooks for grade in notebook.grades]
        if any(grade.manual_score is not None or grade.extra_credit is not None for grade in grades):
            way_out = f"Move {path} away to keep them, and grade again"
            raise CannotGrade(f"{lab} has lost or gained graded cells since a person graded it by hand. {way_out}.")
        book.remove_assignment(lab)


def record(graded: NotebookNode, student: str, lab: str, path: Path, config: Config) -> dict[str, Mark]:
    """Write one graded notebook into the gradebook and return what then stands there, by grade_id."""
    marks = {"notebook": lab, "assignment": lab, "student": student, "db_url": url(path)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own queries, at each new student
        with Gradebook(url(path), COURSE_ID) as book:
            book.update_or_create_student(student)
            book.update_or_create_submission(lab, student)
        SaveAutoGrades(config=config).preprocess(graded, {"nbgrader": marks})
        with Gradebook(url(path), COURSE_ID) as book:
            return {grade.name: _mark(book, grade, lab, student) for grade in _grades(book, lab, student)}


def _grades(book: Gradebook, lab: str, student: str) -> list[NotebookNode]:
    return list(book.find_submission_notebook(lab, lab, student).grades)


def _mark(book: Gradebook, grade: NotebookNode, lab: str, student: str) -> Mark:
    try:
        comment = book.find_comment(grade.name, lab, lab, student).manual_comment
    except MissingEntry:
        comment = ""
    waiting = grade.needs_manual_grade and grade.manual_score is None
    return Mark(float(grade.score), grade.manual_score, waiting, comment or "")
