"""A class of the toy lab for tests of what is kept: quick to write and to grade, easy to compare with another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from autograde import running
from autograde.course import ROOT, Course
from autograde.marks import held
from tests.autograde.quick_grade import quick_hands

QUICK = "tests.autograde.quick_grade"
VIEWS = ("results", "autograded", "feedback", "views", "preflight")
PLAIN = (
    "SELECT id FROM student",
    "SELECT name, type FROM base_cell",
    "SELECT max_score, cell_type FROM grade_cells",
    "SELECT student_id FROM submitted_assignment",
    "SELECT source FROM source_cell",
)


def hand_in(course: Course, released: bytes, answers: dict[str, dict[str, str]], lab: str = "toy") -> None:
    """Write a notebook for each student, with their answers by grade_id."""
    for student, mine in answers.items():
        notebook = json.loads(released)
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            cell["source"] = mine.get(name, cell["source"])
        path = course.submitted / student / lab / f"{lab}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook))


def answers(number: int) -> dict[str, str]:
    """Return answers that no other number gives."""
    return {"double": f"def double(x):\n    return 2 * x  # {number}", "roots": "roots = None", "why": f"For {number}."}


def class_of(size: int) -> dict[str, dict[str, str]]:
    return {f"student{number:04d}": answers(number) for number in range(size)}


THREE = {"ada": answers(1), "bob": answers(2), "cyd": answers(3)}


def patched(patch: pytest.MonkeyPatch) -> list[str]:
    """Grade in this process with hands that run nothing; return the list of preflights, which grows."""
    tried: list[str] = []
    patch.setattr(running, "hands", quick_hands)
    patch.setattr(running, "preflight", lambda place, at_once: tried.append(place.lab.name))
    return tried


def result(out: Path, student: str) -> dict[str, Any]:
    """Return a stored result."""
    return json.loads((out / "results" / student / "toy" / "results.json").read_text())


def runs(out: Path) -> list[tuple[str, str]]:
    """Return student and key of each result that was ever written, in order."""
    log = out / "logs" / "runs.txt"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(line.split("\t")[0], line.split("\t")[2]) for line in lines]


def left(out: Path) -> dict[str, bytes]:
    """Return every file that people or other programs read, by its path."""
    files = [out / "grades.csv", *(path for view in VIEWS for path in (out / view).rglob("*"))]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files if path.is_file()}


def dump(url: str) -> list[str]:
    """Return what a gradebook holds, sorted, without the ids that nbgrader draws."""
    found = held(url)
    rows = [repr(item) for part in (found.sources, found.grades, found.comments, found.texts) for item in part.items()]
    engine = create_engine(url)
    with engine.connect() as connection:
        rows += [f"{query} {row!r}" for query in PLAIN for row in map(tuple, connection.execute(text(query)))]
    engine.dispose()
    return sorted(rows)


def started(arguments: Iterable[str], seconds: float = 0.0, module: str = QUICK, **more: object):
    """Start the command line in a process of its own; with `seconds`, each submission takes so long."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QUICK_SECONDS": str(seconds)}
    command = [sys.executable, "-m", module, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes, **more)
