"""A result with the student's own cells and traceback frames, read from the graded notebook.

For the runner that does not yet put them into its results. With the one that does, nothing needs this file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from nbconvert.filters import strip_ansi
from nbformat.notebooknode import NotebookNode

from autograde.inside.align import grade_id
from autograde.inside.results import ExerciseResult, SubmissionResult

FRAME = re.compile(r"^(Cell In|Input In) ?\[(\d+)\]")


def with_answers(result: SubmissionResult, graded: NotebookNode) -> SubmissionResult:
    """Return the result with `answer` and `frames` of each exercise."""
    cells = {grade_id(cell): cell for cell in graded.cells if grade_id(cell)}
    own = own_counts(graded)
    return replace(result, exercises=tuple(_filled(exercise, cells, own) for exercise in result.exercises))


def _filled(exercise: ExerciseResult, cells: dict[str, NotebookNode], own: set[int]) -> ExerciseResult:
    tests = [cell for name, cell in cells.items() if name.removeprefix("test_").split("__")[0] == exercise.id]
    frames = dict.fromkeys(frame for cell in tests for frame in own_frames(cell, own))
    answer = cells[exercise.id].source if exercise.id in cells else ""
    return replace(exercise, answer=answer, frames=tuple(frames))


def own_counts(graded: NotebookNode) -> set[int]:
    """Return the execution counts of the cells that the student wrote: `Cell In[n]` of these may be shown."""
    mine = [cell for cell in graded.cells if cell.cell_type == "code" and not _locked(cell)]
    return {cell.execution_count for cell in mine if cell.get("execution_count")}


def _locked(cell: NotebookNode) -> bool:
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("locked") or marks.get("grade"))


def own_frames(cell: NotebookNode, own: set[int]) -> list[str]:
    """Return those frames of a cell's tracebacks that lie in the student's own cells, as plain text."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    frames = [strip_ansi(frame).strip("\n") for error in errors for frame in error.traceback]
    found = [(FRAME.match(frame), frame) for frame in frames]
    return [frame for match, frame in found if match and int(match[2]) in own]
