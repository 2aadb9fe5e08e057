"""What the grading process hands in to a sandbox, and what it gets back: plain data, JSON, one frame each way.

    grading process  -- Job -->    tester
    grading process  <-- Reply --  tester

A student's bytes travel as base64: none is understood on the way, and they never grow by more than a third. `from_json`
believes nothing: a reply comes out of a sandbox in which a student's code ran, and what is not a reply is a ValueError.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from autograde.inside.results import CellScore, ExerciseResult, SubmissionResult

SPLIT, IN_PROCESS = "split", "in_process"


def packed(handed_in: bytes) -> str:
    """Return a student's bytes as a job carries them."""
    return b64encode(handed_in).decode("ascii")


def unpacked(text: str) -> bytes:
    return b64decode(text)


@dataclass(frozen=True)
class Job:
    """One notebook to grade, with all that grading it needs.

    Where ingest refused, `refused` is the sentence, `refused_as` says "missing" or "unreadable", and nothing runs.
    `notebook` and `files` are `packed`. `tests` holds the full source (hidden tests included) of each locked or graded
    code cell by its grade_id, `hidden` the telling lines of hidden tests, which are cut from all that a student reads.
    """

    student: str
    lab: str
    notebook: str
    release: str
    refused: str = ""
    refused_as: str = ""
    files: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    mode: str = SPLIT
    made_by_the_tester: list[str] = field(default_factory=list)
    isolation: str = ""

    def to_json(self) -> str:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote. Raises ValueError where it is none."""
        return cls(**_known(cls, _object(text)))


@dataclass(frozen=True)
class Reply:
    """What grading one notebook came to.

    `notebook` is the graded notebook, nbformat JSON with hidden lines in it, for the formgrader. `log` is for the
    instructor, where the grader itself failed. `cpu_seconds` is for benchmarks, and no result holds it.
    """

    result: SubmissionResult
    notebook: str = ""
    log: str = ""
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the reply as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Reply:
        """Return the reply that `to_json` wrote. Raises ValueError where it is none."""
        found = _known(cls, _object(text))
        whole = _known(SubmissionResult, _mapping(found["result"]))
        parts = tuple(_exercise(_mapping(part)) for part in whole["exercises"])
        # Key and history belong to the grading process: what a sandbox says of them is not heard.
        cells = tuple(_cell(_mapping(cell)) for cell in whole.get("cells", ()))
        whole |= {"exercises": parts, "cells": cells, "notes": tuple(whole.get("notes", ())), "key": "", "history": ()}
        return cls(**{**found, "result": SubmissionResult(**whole)})


def _exercise(found: Mapping[str, Any]) -> ExerciseResult:
    part = ExerciseResult(**{**_known(ExerciseResult, found), "frames": tuple(found.get("frames", ()))})
    if not 0 <= part.score <= part.max_score:  # NaN is refused with the rest
        raise ValueError(f"{part.id}: {part.score} of {part.max_score} points")
    return part


def _cell(found: Mapping[str, Any]) -> CellScore:
    cell = CellScore(**_known(CellScore, found))
    if cell.score is not None and not 0 <= cell.score <= cell.max_score:
        raise ValueError(f"{cell.name}: {cell.score} of {cell.max_score} points")
    return cell


def _object(text: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _mapping(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"an object was expected here, and this is {type(found).__name__}")
    return found


def _known(kind: type[Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `kind` that `found` holds; one without a default must be there."""
    known = {one.name: found[one.name] for one in fields(kind) if one.name in found}
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    absent = [name for name in needed if name not in known]
    if absent:
        raise ValueError(f"{kind.__name__} without {', '.join(absent)}")
    hints = get_type_hints(kind)
    wrong = [name for name, value in known.items() if not _holds(value, hints[name])]
    if wrong:
        raise ValueError(f"{kind.__name__} whose {', '.join(wrong)} is something else than it should be")
    return known


def _holds(value: Any, hint: Any) -> bool:
    """Tell whether JSON's `value` may stand for a field of that type."""
    if hint in (float, float | None):
        return isinstance(value, hint | int)
    if is_dataclass(hint):
        return isinstance(value, dict)
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (tuple, list):
        return isinstance(value, list) and all(_holds(one, inner[0]) for one in value)
    return isinstance(value, kind or hint)
