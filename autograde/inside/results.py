"""What grading found out, as frozen values and as JSON. Reports, feedback and tables are views of these.

Submission statuses, `graded` unless something else happened to the notebook as a whole:

    graded          every test ran
    not_attempted   every test ran, and every exercise is still the stub
    timed_out       a cell, or the whole notebook, was stopped at its limit
    kernel_died     Python ended in the middle: os._exit, too much memory, a crash in compiled code
    unreadable      not a notebook
    missing         nothing was handed in under the lab's name
    grader_error    the grader failed, not the student; the sentence says how

Exercise statuses: right, partial, wrong, not_attempted, not_run, and needs_grader for text that a person reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

VERSION = 3
STATUSES = ("graded", "not_attempted", "timed_out", "kernel_died", "unreadable", "missing", "grader_error")
PUBLIC_OF_EXERCISE = ("id", "title", "status", "score", "max_score", "message", "misconception")


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission: what it earned, and the sentence that its author reads.

    `misconception` names the wrong idea where one was recognised; `answer` is the student's own cell and `frames` are
    the lines of it in which it stopped, both cut to a length that a page can hold.
    """

    id: str
    title: str
    status: str
    score: float
    max_score: float
    message: str
    misconception: str = ""
    answer: str = ""
    frames: tuple[str, ...] = ()

    def public(self) -> dict[str, Any]:
        """Return what other programs get."""
        return {name: getattr(self, name) for name in PUBLIC_OF_EXERCISE}


@dataclass(frozen=True)
class CellScore:
    """What one cell came to that nbgrader's gradebook knows: it has points (`graded`), or is an `answer`, or both.

    `score` is None where a person must read. `text` is a digest of the student's answer, to tell a mark that was given
    for this text from one for an earlier text; `untouched` says that the answer is still as it was released.
    """

    name: str
    exercise: str
    graded: bool
    answer: bool
    score: float | None
    max_score: float
    text: str
    untouched: bool


@dataclass(frozen=True)
class Regrade:
    """What an instructor changed by grading again, and why: `exercise` is "" where all of it was graded again."""

    note: str
    exercise: str
    score_before: float
    score_after: float


@dataclass(frozen=True)
class SubmissionResult:
    """One graded notebook. `sentence` says what happened to it as a whole, `notes` what was repaired in it.

    `key` is a hash of all that the result depends on, `isolation` what held the student's code: "sandbox" or "none".
    Neither time nor host nor path is in it, so the same submission gives the same bytes.
    """

    student: str
    lab: str
    status: str
    score: float
    max_score: float
    exercises: tuple[ExerciseResult, ...]
    sentence: str = ""
    notes: tuple[str, ...] = ()
    isolation: str = ""
    key: str = ""
    history: tuple[Regrade, ...] = ()
    cells: tuple[CellScore, ...] = ()

    def public(self) -> dict[str, Any]:
        """Return the part that `grade --json` promises to other programs."""
        names = ("student", "lab", "status", "score", "max_score")
        exercises = [part.public() for part in self.exercises]
        return {**{name: getattr(self, name) for name in names}, "exercises": exercises}

    def stored(self) -> dict[str, Any]:
        """Return what `results.json` holds, all of it plain data."""
        return {"version": VERSION, **asdict(self)}


def from_stored(found: Mapping[str, Any]) -> SubmissionResult:
    """Return the result that `stored` made. Raises `ValueError` on another version."""
    if found.get("version") != VERSION:
        raise ValueError(f"results of version {found.get('version')!r}; this grader reads version {VERSION}")
    known = {field.name: found[field.name] for field in fields(SubmissionResult) if field.name in found}
    known["exercises"] = tuple(_exercise(part) for part in found["exercises"])
    known["history"] = tuple(Regrade(**one) for one in found.get("history", ()))
    known["cells"] = tuple(CellScore(**one) for one in found.get("cells", ()))
    return SubmissionResult(**{**known, "notes": tuple(found.get("notes", ()))})


def _exercise(found: Mapping[str, Any]) -> ExerciseResult:
    return ExerciseResult(**{**found, "frames": tuple(found.get("frames", ()))})


def to_json(value: Any) -> str:
    """Return JSON for people and programs: indented, in the order it was made, with a final line feed."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part.

    The part that a killed process leaves has a fixed name, so that whoever writes the file next takes it over. Two
    writers of one file must therefore not run at once: `grade` holds a lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)
    except BaseException:  # a full disk, most often, or Ctrl-C
        part.unlink(missing_ok=True)
        raise
