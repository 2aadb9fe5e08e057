"""The rows of one batch of results in nbgrader's tables, read and written in bulk.

nbgrader's own way, one query a cell and one commit a grade, takes 15 ms a submission; this takes a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from sqlalchemy import Boolean, Table, bindparam, case, delete, insert, select, true, update

from autograde.inside.results import CellScore, SubmissionResult
from autograde.marks import TEXTS, Held, auto_comment, in_line

Ids = dict[str, str]  # by name
WHERE = ("lab", "student", "cell")


def write_rows(book: Gradebook, lab: str, results: Sequence[SubmissionResult], held: Held) -> None:
    """Write the students, submissions, scores and comments of these results, where they differ. Commits nothing."""
    stale = [(one, cell) for one in results for cell in one.cells if not in_line(one, cell, held)]
    notebooks = _notebooks(book, lab, {one.student for one, _ in stale})
    _write_scores(book, lab, [(one, cell) for one, cell in stale if cell.graded], notebooks, held)
    _write_comments(book, lab, [(one, cell) for one, cell in stale if cell.answer], notebooks)


def _notebooks(book: Gradebook, lab: str, students: set[str]) -> Ids:
    """Return the id of each student's notebook, made where it is missing, with student and submission."""
    known = set(book.db.scalars(select(Student.id)))
    assignment = book.find_assignment(lab).id
    submitted = _by_name(book, select(SubmittedAssignment.student_id, SubmittedAssignment.id).where(
        SubmittedAssignment.assignment_id == assignment))  # fmt: skip
    added = {student: new_uuid() for student in sorted(students - set(submitted))}
    _insert(book, Student, [{"id": student} for student in sorted(students - known)])
    _insert(book, SubmittedAssignment, [
        {"id": made, "assignment_id": assignment, "student_id": student} for student, made in added.items()
    ])  # fmt: skip
    submitted |= added
    notebook = book.find_notebook(lab, lab).id
    held = dict(_by_name(book, select(SubmittedNotebook.assignment_id, SubmittedNotebook.id).where(
        SubmittedNotebook.notebook_id == notebook)))  # fmt: skip
    missing = {submitted[student]: new_uuid() for student in sorted(students) if submitted[student] not in held}
    _insert(book, SubmittedNotebook, [
        {"id": made, "assignment_id": whose, "notebook_id": notebook} for whose, made in missing.items()
    ])  # fmt: skip
    held |= missing
    return {student: held[submitted[student]] for student in students}


def _write_scores(
    book: Gradebook, lab: str, stale: Sequence[tuple[SubmissionResult, CellScore]], notebooks: Ids, held: Held
) -> None:
    cells, rows = _cells(book, GradeCell, lab), _rows(book, Grade, lab)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    texts = [{"lab": lab, "student": one.student, "cell": cell.name, "text": cell.text} for one, cell in stale]
    for result, cell in stale:
        notebook, known, waits = notebooks[result.student], cells[cell.name], cell.score is None
        row = rows.get((notebook, known))
        if row is None:
            made = {"id": new_uuid(), "notebook_id": notebook, "cell_id": known}
            new.append({**made, "auto_score": cell.score, "needs_manual_grade": waits})
        else:
            moved = held.texts.get((lab, result.student, cell.name)) != cell.text
            changed.append({"row": row, "points": cell.score, "waits": waits, "moved": moved})
    _insert(book, Grade, new)
    _execute(book, _score_update(), changed)
    _write_texts(book, texts)


def _write_texts(book: Gradebook, texts: list[dict[str, Any]]) -> None:
    old = [{f"old_{name}": row[name] for name in WHERE} for row in texts]
    _execute(book, delete(TEXTS).where(*(TEXTS.c[name] == bindparam(f"old_{name}") for name in WHERE)), old)
    _execute(book, insert(TEXTS), texts)


def _score_update() -> Any:
    """Return the statement that sets a score. Whether a person's mark is there is asked as it is written: they may be
    entering it in the formgrader at this moment.
    """
    grades: Table = Grade.__table__
    unmarked, moved = grades.c.manual_score.is_(None), bindparam("moved", type_=Boolean())
    waits = case((unmarked, bindparam("waits", type_=Boolean())), (moved, true()), else_=grades.c.needs_manual_grade)
    row = grades.c.id == bindparam("row")
    return update(grades).where(row).values(auto_score=bindparam("points"), needs_manual_grade=waits)


def _write_comments(
    book: Gradebook, lab: str, stale: Sequence[tuple[SubmissionResult, CellScore]], notebooks: Ids
) -> None:
    cells, rows = _cells(book, SolutionCell, lab), _rows(book, Comment, lab)
    comments: Table = Comment.__table__
    new, changed = [], []
    for result, cell in stale:
        where = (notebooks[result.student], cells[cell.name])
        if where in rows:
            changed.append({"row": rows[where], "said": auto_comment(cell)})
        else:
            new.append({"id": new_uuid(), "notebook_id": where[0], "cell_id": where[1],
                        "auto_comment": auto_comment(cell)})  # fmt: skip
    _insert(book, Comment, new)
    _execute(
        book, update(comments).where(comments.c.id == bindparam("row")).values(auto_comment=bindparam("said")), changed
    )


def _cells(book: Gradebook, kind: Any, lab: str) -> Ids:
    """Return the id of each cell of a kind by its name."""
    return _by_name(book, select(kind.name, kind.id).where(BaseCell.notebook_id == book.find_notebook(lab, lab).id))


def _rows(book: Gradebook, kind: Any, lab: str) -> dict[tuple[str, str], str]:
    """Return the id of each grade or comment of a lab by its notebook and cell."""
    wanted = select(kind.notebook_id, kind.cell_id, kind.id).join(SubmittedNotebook)
    mine = wanted.join(Notebook).where(Notebook.id == book.find_notebook(lab, lab).id)
    return {(row[0], row[1]): row[2] for row in book.db.execute(mine)}


def _by_name(book: Gradebook, query: Any) -> Ids:
    return {row[0]: row[1] for row in book.db.execute(query)}


def _insert(book: Gradebook, kind: Any, rows: list[dict[str, Any]]) -> None:
    _execute(book, insert(kind.__table__), rows)


def _execute(book: Gradebook, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        book.db.connection().execute(statement, rows)
