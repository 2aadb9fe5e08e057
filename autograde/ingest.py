"""A submission from disk, read so that no student can hurt the class with it.

Only plain files are opened, never a link, a FIFO or a device, and never more bytes than the limit.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from autograde.course import Lab
from autograde.inside.handed_in import HandedIn, Unreadable, parse
from autograde.roster import printable

MAX_STUDENT_FILE = 1_000_000  # bytes of a file that is handed in beside the notebook


class Missing(Unreadable):
    """Nothing was handed in under the lab's name."""


class Submission(NamedTuple):
    """What a student handed in for a lab, as bytes that nobody has understood yet."""

    notebook: bytes
    files: dict[str, bytes]  # those that the lab allows beside the notebook: a `numpy.py` would be imported


def read_submission(folder: Path, lab: Lab) -> Submission:
    """Return the notebook in a student's lab folder, and the files that the lab allows beside it.

    Raises:
        Missing: there is no notebook.
        Unreadable: there is one, but it or a file beside it is no plain file, or too large.
    """
    notebook = read_plain(find_notebook(folder, lab.name), lab.limits.notebook_bytes)
    beside = [name for name in lab.student_files if os.path.lexists(folder / name)]
    return Submission(notebook, {Path(name).name: read_plain(folder / name, MAX_STUDENT_FILE) for name in beside})


def read_cells(folder: Path, lab: str, max_bytes: int) -> list[HandedIn]:
    """Return the cells of the notebook in a student's lab folder.

    Raises:
        Missing: there is no notebook.
        Unreadable: there is one, but it is no plain file, too large, or no notebook inside.
    """
    return parse(read_plain(find_notebook(folder, lab), max_bytes))


def find_notebook(folder: Path, lab: str) -> Path:
    """Return `<lab>.ipynb`, or the only notebook of the folder when it was renamed, as browsers do on download."""
    try:
        return _found(folder, lab)
    except OSError as error:  # closed to who grades: it must not stop the class
        raise Unreadable(f"The folder {printable(folder.name)} cannot be opened: {error.strerror}.") from error


def _found(folder: Path, lab: str) -> Path:
    for part in (folder.parent, folder):
        if part.is_symlink():
            raise Unreadable(f"{printable(part.name)} is a link to another folder; hand in the folder itself.")
    named = folder / f"{lab}.ipynb"
    if os.path.lexists(named):
        return named
    others = sorted(path for path in folder.iterdir() if path.suffix == ".ipynb") if folder.is_dir() else []
    if len(others) > 1:
        names = ", ".join(printable(path.name) for path in others[:4])
        raise Missing(f"{len(others)} notebooks were handed in ({names}), none called {lab}.ipynb: which counts?")
    if not others:
        raise Missing(f"No notebook {lab}.ipynb was handed in.")
    return others[0]


def read_plain(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a plain file; O_NONBLOCK, because opening a FIFO would wait for ever."""
    try:
        if path.is_symlink() or path.is_dir():
            what = "a link" if path.is_symlink() else "a folder"
            raise Unreadable(f"{printable(path.name)} is {what} and no plain file; hand in the notebook itself.")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(f"{printable(path.name)} cannot be opened as a plain file: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{printable(path.name)} is not a plain file.")
        if status.st_size > max_bytes:
            size, most = status.st_size / 1e6, max_bytes / 1e6
            way_out = "Clear its outputs and hand it in again."
            raise Unreadable(f"{printable(path.name)} has {size:.1f} MB, more than {most:.1f}. {way_out}")
        return file.read(max_bytes)
