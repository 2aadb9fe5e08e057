"""A submission from disk, read so that no student can hurt the class with it.

Only plain files are opened, never a link, a FIFO or a device, and never more bytes than the limit. Of the notebook
only text, type, `grade_id` and cell id of each cell are taken; outputs, tags, widgets and other metadata stay behind.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

MAX_CELLS = 2_000
MAX_SOURCE = 2_000_000  # characters in all cells together
MAX_STUDENT_FILE = 1_000_000  # bytes of a file that is handed in beside the notebook


class Unreadable(Exception):
    """What was handed in cannot be graded; the sentence is for the student."""


class Missing(Unreadable):
    """Nothing was handed in under the lab's name."""


@dataclass(frozen=True)
class HandedIn:
    """One cell as a student handed it in."""

    kind: str  # code, markdown or raw
    source: str
    grade_id: str = ""
    cell_id: str = ""


def read_cells(folder: Path, lab: str, max_bytes: int) -> list[HandedIn]:
    """Return the cells of the notebook in a student's lab folder.

    Raises:
        Missing: there is no notebook.
        Unreadable: there is one, but it is no plain file, too large, or no notebook inside.
    """
    return parse(read_plain(find_notebook(folder, lab), max_bytes))


def find_notebook(folder: Path, lab: str) -> Path:
    """Return `<lab>.ipynb`, or the only notebook of the folder when it was renamed, as browsers do on download."""
    for part in (folder.parent, folder):
        if part.is_symlink():
            raise Unreadable(f"{part.name} is a link to another folder; hand in the folder itself.")
    named = folder / f"{lab}.ipynb"
    if os.path.lexists(named):
        return named
    others = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
    if len(others) > 1:
        names = ", ".join(path.name for path in others[:4])
        raise Missing(f"{len(others)} notebooks were handed in ({names}), none called {lab}.ipynb: which counts?")
    if not others:
        raise Missing(f"No notebook {lab}.ipynb was handed in.")
    return others[0]


def read_plain(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a plain file; O_NONBLOCK, because opening a FIFO would wait for ever."""
    try:
        if path.is_symlink() or path.is_dir():
            what = "a link" if path.is_symlink() else "a folder"
            raise Unreadable(f"{path.name} is {what} and no plain file; hand in the notebook itself.")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be opened as a plain file: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path.name} is not a plain file.")
        if status.st_size > max_bytes:
            size, most = status.st_size / 1e6, max_bytes / 1e6
            raise Unreadable(
                f"{path.name} has {size:.1f} MB, more than {most:.1f}. Clear its outputs and hand it in again."
            )
        return file.read(max_bytes)


def parse(text: bytes) -> list[HandedIn]:
    """Return the cells in the text of a notebook file."""
    try:
        found = json.loads(text.decode("utf-8-sig"))
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
