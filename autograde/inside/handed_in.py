"""The cells in the text of a notebook file, taken so that no text can hurt whoever reads it.

Of each cell only text, type, `grade_id` and cell id are taken; outputs, tags, widgets and other metadata stay behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MAX_CELLS = 2_000
MAX_SOURCE = 2_000_000  # characters in all cells together


class Unreadable(Exception):
    """What was handed in cannot be graded; the sentence is for the student."""


@dataclass(frozen=True)
class HandedIn:
    """One cell as a student handed it in."""

    kind: str  # code, markdown or raw
    source: str
    grade_id: str = ""
    cell_id: str = ""


def parse(text: bytes) -> list[HandedIn]:
    """Return the cells in the text of a notebook file."""
    try:
        found = json.loads(text.decode(json.detect_encoding(text)))  # UTF-8 or, from old editors, UTF-16
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise Unreadable(f"This file is not a notebook: its text is no JSON ({type(error).__name__}).") from error
    cells = [_cell(raw) for raw in _raw_cells(found)]
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise Unreadable(f"The cells hold more than {MAX_SOURCE} characters.")
    return cells


def _raw_cells(found: Any) -> list[Any]:
    if isinstance(found, dict) and "worksheets" in found:  # nbformat 3, written before 2015
        found = _converted(found)
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("This file is not a notebook: it is JSON, but it has no list of cells.")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"The notebook has {len(cells)} cells, more than {MAX_CELLS}.")
    return [cell for cell in cells if isinstance(cell, dict)]


def _converted(found: dict[str, Any]) -> Any:
    import nbformat  # a second, for files that hardly anybody hands in

    try:
        return nbformat.convert(nbformat.from_dict(found), 4)
    except Exception as error:  # a converter that trusts what it reads may stumble over anything in it
        raise Unreadable(f"This file is no notebook of nbformat 3 either ({type(error).__name__}).") from error


def _cell(raw: dict[str, Any]) -> HandedIn:
    kind, source = raw.get("cell_type"), raw.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    marks = metadata.get("nbgrader")
    return HandedIn(
        kind if kind in ("code", "markdown") else "raw",
        _storable(source),
        _text(marks.get("grade_id") if isinstance(marks, dict) else ""),
        _text(raw.get("id")) or _text(metadata.get("id")),  # Colab moves the id into the metadata
    )


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _storable(source: Any) -> str:
    """Return text that can be written as UTF-8: JSON can name half of a surrogate pair, no file can hold it."""
    return _text(source).encode("utf-8", "replace").decode("utf-8")
