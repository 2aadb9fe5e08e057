"""What a student wrote in a notebook: each answer by its name, and the cells of their own.

The notebook is laid back onto the release first, so a damaged one counts as far as it can be repaired. Locked cells
and the release's other cells are not the student's, and text that a person reads is not code: neither is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nbformat.notebooknode import NotebookNode

from autograde.inside.align import align, grade_id, is_answer
from autograde.inside.handed_in import HandedIn

OWN_CELLS = "own cells"
OWN_ID = "own-"  # how `align` begins the id of a cell that the student added
MAX_CELL = 20_000  # characters of one cell that are looked at: a parser may take 500 bytes for each


def own_code(cells: Sequence[HandedIn], release: NotebookNode) -> dict[str, str]:
    """Return the code of each answer by its grade_id, in the release's order, and all own cells under `OWN_CELLS`."""
    short = [replace(cell, source=cell.source[:MAX_CELL]) for cell in cells]
    found = align(short, release).notebook.cells
    answers = {grade_id(cell): cell.source for cell in found if cell.cell_type == "code" and is_answer(cell)}
    own = [cell.source for cell in found if str(cell.id).startswith(OWN_ID) and not grade_id(cell)]
    return answers | ({OWN_CELLS: "\n\n".join(own)} if own else {})
