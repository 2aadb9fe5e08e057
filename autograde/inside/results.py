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
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

VERSION = 2
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
    return SubmissionResult(**{**known, "notes": tuple(found.get("notes", ()))})


def _exercise(found: Mapping[str, Any]) -> ExerciseResult:
    return ExerciseResult(**{**found, "frames": tuple(found.get("frames", ()))})


def to_json(value: Any) -> str:
    """Return JSON for people and programs: indented, in the order it was made, with a final line feed."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)
