"""Run a lab's notebook without a kernel: its code cells, one namespace, and what each test cell came to.

It is the quick gate of the tests here. The slow and true one is `python -m autograde check`, which hands every answer
in as a student does; both read the same cells and the same lists of answers.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from autograde.build import build
from autograde.course import Course
from autograde.mutants import Answers, load_answers

ROOT = Path(__file__).resolve().parents[2]


class Graded(NamedTuple):
    """What one test cell came to: its points, and the sentence that a student reads where points were lost."""

    score: float
    sentence: str


class Cell(NamedTuple):
    """One code cell: its grade_id ("" for a plain cell), its points and its text."""

    grade_id: str
    points: float
    source: str


@dataclass(frozen=True)
class LabNotebook:
    """A lab as built from its source, with solutions and hidden tests."""

    name: str

    @cached_property
    def lab(self) -> Any:
        return Course(ROOT).lab(self.name)

    @cached_property
    def cells(self) -> list[Cell]:
        """Return the code cells after the one that installs."""
        code = [cell for cell in build(self.lab, self.lab.seed).cells if cell.cell_type == "code"]
        found = [(cell.metadata.get("nbgrader", {}), cell.source) for cell in code[1:]]
        return [Cell(mark.get("grade_id", ""), float(mark.get("points", 0)), source) for mark, source in found]

    @cached_property
    def answers(self) -> Answers:
        return load_answers(self.lab.folder / "mutants.py")

    @cached_property
    def solved(self) -> dict[str, Any]:
        """Return the namespace after the whole solution has run, as a grader runs it: no picture is drawn."""
        namespace: dict[str, Any] = {"__name__": "__main__"}
        with patch.dict(os.environ, NBGRADER_EXECUTION="autograde"):
            for cell in self.cells:
                run(cell, namespace)
        return namespace

    def grade(self, exercise: str, code: str) -> list[Graded]:
        """Return what the test cells of `exercise` come to with `code` as its answer, all else as in the solution."""
        namespace = dict(self.solved)
        run(Cell(exercise, 0, code), namespace)
        return [graded(cell, namespace) for cell in self.cells if exercise_of(cell) == exercise]


def exercise_of(cell: Cell) -> str:
    """Return the exercise whose test cell this is, "" for any other cell."""
    return cell.grade_id.removeprefix("test_").split("__")[0] if cell.grade_id.startswith("test_") else ""


def run(cell: Cell, namespace: dict[str, Any]) -> tuple[Any, str]:
    """Run a cell in `namespace`; return the value of its last expression and the last line that it printed."""
    body = ast.parse(cell.source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), cell.grade_id or "cell", "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), cell.grade_id or "cell", "eval"), namespace) if last else None
    return value, (printed.getvalue().strip().splitlines() or [""])[-1]


def graded(cell: Cell, namespace: dict[str, Any]) -> Graded:
    """Return what a test cell comes to, by the rules of autograde/verdicts.py."""
    try:
        value, printed = run(cell, namespace)
    except Exception as error:
        return Graded(0.0, f"{type(error).__name__}: {error}")
    if isinstance(value, float) and value < cell.points:
        return Graded(value, printed)
    return Graded(cell.points, "")


def sentence(parts: list[Graded]) -> str:
    """Return what a student reads: the sentence of a part that earned some of its points, else of the first."""
    lost = [part for part in parts if part.sentence]
    return next((part.sentence for part in lost if part.score > 0), lost[0].sentence if lost else "")
