"""One source file into one nbgrader notebook: short cell headers are expanded, directives are filled in.

A lab is written as jupytext percent. Its cell headers say only what differs:

    # %% grade_id="size_lookup"                       the student's cell (### BEGIN SOLUTION inside)
    # %% grade_id="test_size_lookup" points=3         locked test cell
    # %% grade_id="setup" locked=true                 locked, no points
    # %% [markdown] grade_id="why" points=2           read by a person

Within `### BEGIN HIDDEN TESTS` two directives are filled in, each a line of its own:

    #| include NAME[, NAME...] from reference.py      the source of those functions
    #| seed                                           SEED = <int>

Cell ids are hashes of lab and grade_id (or first line), so that a second build gives the same bytes.
"""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.course import CannotGrade, Lab
from autograde.first_cells import PYPROJECT, first_cells

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
INCLUDE = re.compile(r"^(?P<indent>\s*)#\| include (?P<names>[\w, ]+?) from (?P<file>[\w.]+)\s*$", re.MULTILINE)
SEED = re.compile(r"^(\s*)#\| seed\s*$", re.MULTILINE)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", re.DOTALL)


def build(lab: Lab, seed: int, pyproject: Path = PYPROJECT) -> NotebookNode:
    """Return the lab's notebook with solutions, hidden tests and full nbgrader metadata, ready for nbgrader.

    Raises:
        CannotGrade: the source has a header or a directive that cannot be understood.
    """
    drawn = jupytext.reads(lab.source.read_text(encoding="utf-8"), fmt="py:percent")
    cells = [_opening(cell) for cell in _first(lab, pyproject)] + list(drawn.cells)
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.cells = [_built(cell, lab, seed) for cell in cells]
    _give_ids(notebook, lab.name)
    nbformat.validate(notebook)
    return notebook


def _first(lab: Lab, pyproject: Path) -> list[tuple[str, str]]:
    if not pyproject.is_file():
        return []
    made = first_cells(f"labs/{lab.name}/{lab.name}.ipynb", pyproject)
    return [("markdown", made.badge), ("code", made.install)]


def _opening(cell: tuple[str, str]) -> NotebookNode:
    kind, source = cell
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    return make(source)


def _built(cell: NotebookNode, lab: Lab, seed: int) -> NotebookNode:
    # jupytext notes blank lines in the metadata, for its way back: nothing that an author wrote.
    metadata = {key: value for key, value in cell.metadata.items() if not key.startswith("lines_to_")}
    cell.metadata = NotebookNode(tags=metadata["tags"]) if "tags" in metadata else NotebookNode()
    cell.source = _filled(cell.source, lab, seed)
    if "grade_id" in metadata:
        cell.metadata.nbgrader = NotebookNode(_nbgrader(cell, metadata, lab))
    return cell


def _nbgrader(cell: NotebookNode, header: dict[str, Any], lab: Lab) -> dict[str, Any]:
    """Return the full metadata that nbgrader wants of a cell whose header says only what differs."""
    unknown = set(header) - {"grade_id", "points", "locked", "tags"}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise CannotGrade(
            f"{lab.source}: the header of cell {header['grade_id']!r} holds {names}, which means nothing here"
        )
    graded, locked = "points" in header, bool(header.get("locked"))
    written = cell.cell_type == "markdown" and graded
    test = graded and not written
    expanded = {
        "grade_id": header["grade_id"],
        "grade": graded,
        "solution": written or not (test or locked),
        "locked": test or locked,
        "task": False,
        "schema_version": 3,
        "cell_type": cell.cell_type,
    }
    return {**expanded, "points": header["points"]} if graded else expanded


def _filled(source: str, lab: Lab, seed: int) -> str:
    """Return a cell's source with its directives filled in; outside hidden tests a directive is an error."""
    visible = HIDDEN.sub("", source)
    if INCLUDE.search(visible) or SEED.search(visible):
        rule = "`#| include` and `#| seed` belong between BEGIN and END HIDDEN TESTS"
        raise CannotGrade(f"{lab.source}: {rule}; this cell has one elsewhere:\n{source[:200]}")
    filled = INCLUDE.sub(lambda found: _included(found, lab), source)
    return SEED.sub(lambda found: f"{found[1]}SEED = {seed}", filled)


def _included(found: re.Match[str], lab: Lab) -> str:
    path = lab.folder / found["file"]
    names = [name.strip() for name in found["names"].split(",")]
    text = path.read_text(encoding="utf-8")
    parts = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    missing = [name for name in names if name not in parts]
    if missing:
        wanted, defined = ", ".join(missing), ", ".join(parts)
        raise CannotGrade(f"{lab.source} includes {wanted} from {path.name}, which defines {defined}")
    lines = text.splitlines()
    sources = ["\n".join(lines[_first_line(parts[name]) - 1 : parts[name].end_lineno]) for name in names]
    return "\n\n\n".join(sources)


def _first_line(node: ast.FunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _give_ids(notebook: NotebookNode, lab: str) -> None:
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        first_line = cell.source.split("\n", 1)[0]
        key = f"{lab} {cell.metadata.get('nbgrader', {}).get('grade_id') or first_line}"
        seen[key] = seen.get(key, 0) + 1
        cell.id = hashlib.sha1(f"{key} {seen[key]}".encode()).hexdigest()[:12]
