"""A submission's cells laid back onto the release: every graded cell once, in its place, with its marks.

Cells are recognised by `grade_id`, then by cell id (both survive JupyterLab and Colab), then by their text, and an
answer at last by the function that it defines. Around them the student's own cells keep their order. So a cell that
was deleted, doubled, split, retyped or robbed of its metadata costs at most itself.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.inside.handed_in import HandedIn

MAX_PARSED = 200_000  # characters: as a tree, a cell takes a thousand times as much memory


class Aligned(NamedTuple):
    """The repaired notebook, and a sentence for each repair that the student should know of."""

    notebook: NotebookNode
    notes: tuple[str, ...]


def align(cells: list[HandedIn], release: NotebookNode) -> Aligned:
    """Return a notebook that nbgrader can grade: the release, with the student's answers and own cells in it."""
    owners = recognise(cells, release)
    chosen = {cell.id: _chosen(cell, cells, owners) for cell in release.cells}
    notes = [note for cell in release.cells for note in _notes(cell, cells, owners)]
    own = _own_cells(cells, owners, chosen, release)
    repaired = copy.deepcopy(release)
    repaired.cells = own.get("", [])
    for cell in release.cells:
        kept = _restored(cell, cells, chosen[cell.id])
        repaired.cells += ([kept] if kept else []) + own.get(cell.id, [])
    return Aligned(repaired, tuple(notes))


def recognise(cells: list[HandedIn], release: NotebookNode) -> list[str]:
    """Return for each handed-in cell the id of the release's cell that it comes from, or an empty string."""
    by_grade_id = {grade_id(cell): cell.id for cell in release.cells if grade_id(cell)}
    ids = {cell.id for cell in release.cells}
    by_text = {cell.source.strip(): cell.id for cell in release.cells}
    owners = [by_grade_id.get(cell.grade_id, cell.cell_id if cell.cell_id in ids else "") for cell in cells]
    for position, cell in enumerate(cells):
        owner = by_text.get(cell.source.strip(), "")
        if owner and owner not in owners:
            owners[position] = owners[position] or owner
    by_name = {name: cell.id for cell in release.cells if is_answer(cell) for name in defined_names(cell.source)}
    lost = {name: owner for name, owner in by_name.items() if owner not in owners}
    return [owner or _by_name(cell, lost) for owner, cell in zip(owners, cells, strict=True)]


def _by_name(cell: HandedIn, lost: dict[str, str]) -> str:
    return next((lost[name] for name in defined_names(cell.source) if name in lost), "")


@lru_cache(maxsize=10_000)  # each lost answer asks all cells, and two million characters take seconds to parse
def defined_names(source: str) -> list[str]:
    """Return the functions and classes that a cell defines at its top level; none when it cannot be parsed."""
    if len(source) > MAX_PARSED:
        return []
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)]


def grade_id(cell: NotebookNode) -> str:
    """Return the name under which nbgrader knows a cell, or an empty string."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def is_answer(cell: NotebookNode) -> bool:
    """Tell whether a student writes in this cell of the release, as opposed to a test or a plain cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution", False))


def is_test(cell: NotebookNode) -> bool:
    """Tell whether a cell is code that gives points without anybody's reading it."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and marks.get("grade") and not marks.get("solution"))


def is_locked(cell: NotebookNode) -> bool:
    """Tell whether a cell without points is the course's own."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("locked") and not marks.get("grade") and not marks.get("solution"))


def _chosen(cell: NotebookNode, cells: list[HandedIn], owners: list[str]) -> int | None:
    """Return the position of the copy that counts: the last one that differs from the stub, else the last."""
    copies = [position for position, owner in enumerate(owners) if owner == cell.id]
    changed = [position for position in copies if cells[position].source.strip() != cell.source.strip()]
    counting = changed or copies
    return counting[-1] if counting else None


def _restored(cell: NotebookNode, cells: list[HandedIn], position: int | None) -> NotebookNode | None:
    """Return the release's cell with the student's text where that is theirs to write."""
    restored = copy.deepcopy(cell)
    if is_answer(cell):
        if position is not None:
            restored.source = cells[position].source
        elif _is_elsewhere(cell, cells):
            restored.source = ""  # the stub would undo what stands above it
    elif cell.cell_type == "code" and not grade_id(cell):
        if position is None:
            return None  # a plain cell that the student deleted
        restored.source = cells[position].source
    return restored


def _is_elsewhere(cell: NotebookNode, cells: list[HandedIn]) -> bool:
    """Tell whether what a lost answer should define stands in another cell, as after a merge of two."""
    wanted = set(defined_names(cell.source))
    return any(wanted & set(defined_names(one.source)) for one in cells if one.kind == "code")


def _own_cells(
    cells: list[HandedIn], owners: list[str], chosen: dict[str, int | None], release: NotebookNode
) -> dict[str, list[NotebookNode]]:
    """Return the code that the student added, by the id of the release's cell behind which it stood."""
    answers = {cell.id: cell for cell in release.cells if is_answer(cell)}
    placed: dict[str, list[NotebookNode]] = {}
    behind = ""
    for position, (cell, owner) in enumerate(zip(cells, owners, strict=True)):
        if owner and chosen[owner] == position:
            behind = owner
        elif cell.kind == "code" and _is_own(cell, owner, answers):
            placed.setdefault(behind, []).append(nbformat.v4.new_code_cell(cell.source, id=f"own-{position}"))
    return placed


def _is_own(cell: HandedIn, owner: str, answers: dict[str, NotebookNode]) -> bool:
    """An earlier half of an answer runs before the half that counts; a copied test or stub is dropped."""
    return not owner or (owner in answers and cell.source.strip() != answers[owner].source.strip())


def _notes(cell: NotebookNode, cells: list[HandedIn], owners: list[str]) -> Iterator[str]:
    name, copies = grade_id(cell), [taken for taken, owner in zip(cells, owners, strict=True) if owner == cell.id]
    if not name:
        return
    if not copies and is_answer(cell) and _is_elsewhere(cell, cells):
        yield f"The cell `{name}` was missing. What it asks for is defined in another cell, and that counts."
    elif not copies:
        yield f"The cell `{name}` was missing. It was put back as it was released."
    elif len(copies) > 1:
        counts = "the last one that you changed counts" if is_answer(cell) else "the course's own was run"
        yield f"There were {len(copies)} cells `{name}`; {counts}."
    elif cell.metadata.nbgrader.locked and copies[0].source.strip() != cell.source.strip():
        yield f"The cell `{name}` had been changed. The course's own was run."
    if copies and copies[-1].kind != cell.cell_type:
        yield f"The cell `{name}` had become a {copies[-1].kind} cell. It was made a {cell.cell_type} cell again."
