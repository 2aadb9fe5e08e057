"""What nbgrader's gradebook holds: the automatic scores, as far as they got there, and what people entered.

Read with plain SQL in four queries for a whole class, because loading nbgrader takes 2 s and a second run of `grade`
has nothing else to do. SQLite and PostgreSQL answer the same. Two tables in it are ours, and nbgrader passes over them:

    launch_bound_lab    the hash of the source from which the cells of a lab were registered
    launch_bound_text   per student and cell, the digest of the answer that its scores belong to: a mark that a person
                        gave for an earlier text is known by it
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from autograde.course import CannotGrade
from autograde.inside.results import CellScore, SubmissionResult

NAME = String(128)
OURS = MetaData()
LABS = Table("launch_bound_lab", OURS, Column("lab", NAME, primary_key=True), Column("source", NAME, nullable=False))
TEXTS = Table(
    "launch_bound_text",
    OURS,
    *(Column(name, NAME, primary_key=True) for name in ("lab", "student", "cell")),
    Column("text", String(64), nullable=False),
)
FROM_SUBMISSIONS = """
    JOIN submitted_notebook ON submitted_notebook.id = {0}.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    JOIN base_cell ON base_cell.id = {0}.cell_id"""
WHOSE = "assignment.name, submitted_assignment.student_id, base_cell.name"
GRADES = f"""SELECT {WHOSE}, auto_score, manual_score, extra_credit, needs_manual_grade
    FROM grade {FROM_SUBMISSIONS.format("grade")}"""
COMMENTS = f"SELECT {WHOSE}, auto_comment, manual_comment FROM comment {FROM_SUBMISSIONS.format('comment')}"

Where = tuple[str, str, str]  # lab, student, cell


class Grade(NamedTuple):
    """One row of nbgrader's grades. `manual` and `extra` are None until a person entered them."""

    auto: float | None
    manual: float | None
    extra: float | None
    waits: bool


class Comment(NamedTuple):
    """One row of nbgrader's comments."""

    auto: str | None
    manual: str | None


@dataclass(frozen=True)
class Held:
    """All that a gradebook holds of a class."""

    sources: Mapping[str, str] = field(default_factory=dict)
    grades: Mapping[Where, Grade] = field(default_factory=dict)
    comments: Mapping[Where, Comment] = field(default_factory=dict)
    texts: Mapping[Where, str] = field(default_factory=dict)


def held(url: str) -> Held:
    """Return what a gradebook holds; nothing, where there is no gradebook yet.

    Raises:
        CannotGrade: it cannot be read.
    """
    if no_file_yet(url):
        return Held()
    with usable(url):
        engine = create_engine(url)
        with engine.connect() as connection:
            found = _read(connection)
        engine.dispose()
    return found


def no_file_yet(url: str) -> bool:
    """Tell whether `url` names a file that does not exist; opening it would make it."""
    with usable(url):
        address = make_url(url)
    return address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file()


def _read(connection: Connection) -> Held:
    tables = set(inspect(connection).get_table_names())
    if "grade" not in tables:
        return Held()
    ours = {LABS.name, TEXTS.name} <= tables
    return Held(
        {row.lab: row.source for row in connection.execute(LABS.select())} if ours else {},
        {tuple(row[:3]): Grade(row[3], row[4], row[5], bool(row[6])) for row in connection.execute(text(GRADES))},
        {tuple(row[:3]): Comment(*row[3:]) for row in connection.execute(text(COMMENTS))},
        {tuple(row[:3]): row[3] for row in connection.execute(TEXTS.select())} if ours else {},
    )


@contextlib.contextmanager
def usable(url: str) -> Iterator[None]:
    """Turn an error of the database into a sentence that names the gradebook and the way out."""
    try:
        yield
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise CannotGrade(f"The gradebook {shown(url)} cannot be used. {_way_out(told)} ({told})") from error
    except ModuleNotFoundError as error:
        way_out = "pip install -e '.[instructor,postgresql]'"
        raise CannotGrade(
            f"The gradebook {shown(url)} needs {error.name}, which is not installed: {way_out}"
        ) from error


def _way_out(told: str) -> str:
    if "not a database" in told or "malformed" in told:
        return "Move it away and grade again."
    return "Every result so far is kept: mend it, and grade again to go on."


def shown(url: str) -> str:
    """Return the address of a gradebook without its password; of a file, its path."""
    try:
        address: Any = make_url(url)
    except SQLAlchemyError:
        return repr(url)
    is_file = address.get_backend_name() == "sqlite"
    return str(address.database) if is_file else address.render_as_string(hide_password=True)


def in_line(result: SubmissionResult, cell: CellScore, held: Held) -> bool:
    """Tell whether the gradebook holds of one cell what the result says."""
    where = (result.lab, result.student, cell.name)
    grade, comment = held.grades.get(where), held.comments.get(where)
    if cell.answer and (comment is None or comment.auto != auto_comment(cell)):
        return False
    if not cell.graded:
        return True
    if grade is None or grade.auto != cell.score or held.texts.get(where) != cell.text:
        return False
    return grade.manual is not None or grade.waits == (cell.score is None)


def auto_comment(cell: CellScore) -> str | None:
    """Return what nbgrader says of an answer that is still as it was released."""
    return "No response." if cell.untouched else None


def behind(results: Iterable[SubmissionResult], held: Held) -> list[SubmissionResult]:
    """Return the results of which the gradebook holds something else, or nothing."""
    return [one for one in results if not all(in_line(one, cell, held) for cell in one.cells)]
