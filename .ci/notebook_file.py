"""The one form in which a notebook is committed, so that a rebuild changes no byte.

Same cells give the same ids, the same metadata and, after a run, the same outputs: wall-clock measurements (cells
tagged `varies`), live widgets and progress bars are left out, because they could not come back the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

VARIES = "varies"  # the tag of a cell whose output is another each time: measurements, versions
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "accelerator": "GPU",  # what Colab is asked for; a runtime without one works as well
    "colab": {"provenance": []},
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(path: Path) -> NotebookNode:
    """Return the notebook at `path` in the current format."""
    return nbformat.read(path, as_version=4)


def text(notebook: NotebookNode) -> str:
    """Return the notebook as its file's text."""
    return nbformat.writes(notebook, version=4) + "\n"


def normalised(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return `notebook` with derived cell ids, plain metadata, and no output that varies. `name` seeds the ids."""
    seen: Counter[str] = Counter()
    cells = [_cell(cell, name, seen) for cell in notebook.cells]
    return nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return what people wrote: (cell type, source) for each cell."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def is_tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _cell(cell: NotebookNode, name: str, seen: Counter[str]) -> dict[str, Any]:
    tags = sorted(cell.metadata.get("tags", []))
    plain: dict[str, Any] = {
        "cell_type": cell.cell_type,
        "id": _id(cell, name, seen),
        "metadata": {"tags": tags} if tags else {},
        "source": cell.source.rstrip("\n"),
    }
    if cell.cell_type == "code":
        plain["execution_count"] = cell.get("execution_count")
        plain["outputs"] = [] if VARIES in tags else _settled(cell.outputs)
    return plain


def _id(cell: NotebookNode, name: str, seen: Counter[str]) -> str:
    """Return an id from the notebook's name and the cell's first line; a repeated line is told apart by its count."""
    first_line = cell.source.strip().partition("\n")[0]
    seen[first_line] += 1
    return hashlib.sha1(f"{name}\n{first_line}\n{seen[first_line]}".encode()).hexdigest()[:12]


def _settled(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs without live widgets and finished progress bars, and with the pieces of a text in one."""
    kept: list[NotebookNode] = []
    for output in filter(lambda output: not _is_widget(output), outputs):
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text  # where the kernel cut a text into messages depends on the moment
        else:
            kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            output.text = "\n".join(_last_written(line) for line in output.text.split("\n"))
    return [output for output in kept if output.get("text") != ""]


def _last_written(line: str) -> str:
    """Return what a terminal shows of a line: a bar that shows itself after two seconds is there on slow days only."""
    return line.rpartition("\r")[2]


def _is_widget(output: NotebookNode) -> bool:
    return WIDGET in output.get("data", {})
