"""nbgrader's gradebook, with one writer: the process that the instructor started.

Results are the truth, and the gradebook is brought in line with them: what it holds is compared with what it should
hold, and only what differs is written, many submissions in one transaction, through nbgrader's own models. So a grader
that was killed anywhere is healed by the next run. Every cell with points gets a score, 0 where nothing ran: no score
of an earlier submission survives. What a person has entered (score, comment, extra credit) is never touched; a cell
whose answer changed under a person's mark is shown to them again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from sqlalchemy import delete, insert

from autograde.course import CannotGrade
from autograde.gradebook_rows import write_rows
from autograde.inside.results import SubmissionResult
from autograde.marks import LABS, OURS, Held, no_file_yet, shown, usable
from autograde.release import generate, own_commands_on_path

COURSE_ID = "launch-bound"
BATCH = 500  # submissions in one transaction


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
        _copy_whole(blank, path)


def _copy_whole(blank: Path, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        shutil.copyfile(blank, part)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # a full disk, most often
        raise


def prepare(address: str, blank: Path) -> None:
    """Make the gradebook at an address, if there is none, with our tables in it."""
    if no_file_yet(address):
        create(Path(address.removeprefix("sqlite:///").split("?")[0]), blank)
    with usable(address), own_commands_on_path(), Gradebook(address, COURSE_ID) as book:
        OURS.create_all(book.engine)


def register(source: NotebookNode, lab: str, address: str, source_hash: str) -> None:
    """Write the lab's cells into the gradebook.

    A gradebook whose lab has lost or gained cells is started over, unless a person has graded in it.

    Raises:
        CannotGrade: cells changed, and marks by hand would be lost; or the gradebook cannot be used.
    """
    try:
        generate(source, lab, address)
    except CannotGrade as error:
        if "Cannot add or remove cells" not in str(error):  # the lab is well: it was released a moment ago
            raise CannotGrade(f"The gradebook {shown(address)} cannot be used. {error}") from error
        _start_over(lab, address)
        generate(source, lab, address)
    with usable(address), Gradebook(address, COURSE_ID) as book:
        book.db.execute(delete(LABS).where(LABS.c.lab == lab))
        book.db.execute(insert(LABS).values(lab=lab, source=source_hash))
        book.db.commit()


def _start_over(lab: str, address: str) -> None:
    with Gradebook(address, COURSE_ID) as book:
        submissions = book.assignment_submissions(lab)
        grades = [grade for one in submissions for notebook in one.notebooks for grade in notebook.grades]
        if any(grade.manual_score is not None or grade.extra_credit is not None for grade in grades):
            way_out = f"Move {shown(address)} away to keep them, and grade again"
            raise CannotGrade(f"{lab} has lost or gained graded cells since a person graded it by hand. {way_out}.")
        book.remove_assignment(lab)


def bring_in_line(lab: str, results: Sequence[SubmissionResult], held: Held, address: str) -> None:
    """Write what differs between the results of a lab and what its gradebook holds.

    Raises:
        CannotGrade: the gradebook cannot be used. What was written before is whole, and the next run does the rest.
    """
    with usable(address), Gradebook(address, COURSE_ID) as book:
        for start in range(0, len(results), BATCH):
            write_rows(book, lab, results[start : start + BATCH], held)
            book.db.commit()
