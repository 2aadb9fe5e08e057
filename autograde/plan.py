"""What a call of `grade` has to run, and why: decided before anything starts, from hashes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from autograde.course import CannotGrade, Course, Lab
from autograde.inside.results import SubmissionResult
from autograde.keys import Key, grader_version, key, lab_hash, submission_hash
from autograde.roster import students, to_choose_from
from autograde.store import Damaged, Store

CHANGES = (("submission", "changed notebook"), ("lab", "changed lab"), ("grader", "changed grader"))


@dataclass(frozen=True)
class How:
    """How a class is graded."""

    database: str  # the gradebook's address
    jobs: int = 1  # notebooks side by side
    unsafe: bool = False  # without a sandbox, where this machine has none
    scheduler: str = ""  # of a Dask cluster


class Planned(NamedTuple):
    """One submission: its key, what is stored for it, and why it has to run; `why` is empty when it need not."""

    student: str
    folder: Path
    key: Key
    before: SubmissionResult | None
    why: str
    damaged: bool = False


class LabPlan(NamedTuple):
    """All submissions of one lab, and the hash of the source from which its cells are registered in the gradebook."""

    lab: Lab
    planned: tuple[Planned, ...]
    source: str

    @property
    def todo(self) -> list[Planned]:
        return [one for one in self.planned if one.why]


def plan(course: Course, folder: Path, lab: Lab, store: Store, unsafe: bool) -> LabPlan:
    """Return what there is to run for one lab. Writes nothing."""
    about, grader, isolation = lab_hash(course, lab, folder), grader_version(), "none" if unsafe else "sandbox"
    planned = []
    for student, path in students(folder).items():
        wanted = Key(submission_hash(lab, student, path / lab.name), about, grader, isolation)
        planned.append(_planned(student, path / lab.name, wanted, store, lab))
    return LabPlan(lab, tuple(planned), source_of(Key("", about, grader, isolation)))


def source_of(key: Key) -> str:
    """Return the hash of all that the cells of a lab depend on."""
    return f"{key.lab}.{key.grader}"


def again(course: Course, folder: Path, lab: Lab, student: str, store: Store, unsafe: bool) -> Planned:
    """Return the plan for one student whose submission shall run although nothing changed.

    Raises:
        CannotGrade: there is no such student, or no result of an earlier run.
    """
    known = students(folder) if folder.is_dir() else {}
    if student not in known:
        raise CannotGrade(f"{folder} has no student {student!r}. {to_choose_from(student, known)}")
    path = known[student] / lab.name
    wanted = key(course, lab, folder, student, path, "none" if unsafe else "sandbox")
    found = _planned(student, path, wanted, store, lab)
    if found.before is None:
        raise CannotGrade(f"{student} has no result for {lab.name} yet. Grade the class first.")
    return found._replace(why="asked for")


def _planned(student: str, folder: Path, wanted: Key, store: Store, lab: Lab) -> Planned:
    try:
        before = store.read(student, lab.name)
    except Damaged as error:
        return Planned(student, folder, wanted, None, f"damaged result ({error})", damaged=True)
    if before is None:
        return Planned(student, folder, wanted, None, "new")
    return Planned(student, folder, wanted, before, why(wanted, before))


def why(wanted: Key, before: SubmissionResult) -> str:
    """Return why a stored result does not hold any more, or an empty string when it does.

    What the grader itself failed at is tried again. A result from within a sandbox is good where none is asked for.
    """
    if before.status == "grader_error":
        return "the grader failed last time"
    parts = before.key.split(".")
    if len(parts) != len(wanted):
        return "changed grader"
    stored = Key(*parts)
    reasons: Iterable[str] = [said for name, said in CHANGES if getattr(stored, name) != getattr(wanted, name)]
    if stored.isolation == "none" and wanted.isolation == "sandbox":
        reasons = [*reasons, "ran without a sandbox"]
    return ", ".join(reasons)
