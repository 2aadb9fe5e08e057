"""Who is in a class: the folders of its students, and the labs that they handed in. Opens no file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from autograde.course import Lab

LONGEST_NAME = 128  # characters that nbgrader's database keeps of a student's name
SPELLED_OUT = '\\<>"'


def students(folder: Path) -> dict[str, Path]:
    """Return the folder of each student; other files are passed over.

    A sign that cannot be printed is spelled out, and a name too long for a gradebook is cut and marked.
    """
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _is_folder(path))
    return {_short(printable(path.name)): path for path in entries}


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link into a folder that is closed to who grades: it stops nobody
        return False


def _short(name: str) -> str:
    """Return a name that a gradebook can keep; one that is cut ends in a hash of the whole, so that none is doubled."""
    if len(name) <= LONGEST_NAME:
        return name
    mark = "~" + hashlib.sha256(name.encode()).hexdigest()[:12]
    return name[: LONGEST_NAME - len(mark)] + mark


def printable(name: str) -> str:
    """Return the name as it can be shown; the backslash is spelled out too, so that two names never become one.

    So are the signs of markup: nbgrader's formgrader puts the names of students into its pages as they are.
    """
    return "".join(sign if sign.isprintable() and sign not in SPELLED_OUT else _spelled(sign) for sign in name)


def _spelled(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if sign in '<>"' else sign.encode("unicode_escape").decode()


def labs_of(folder: Path, labs: Iterable[Lab]) -> list[Lab]:
    """Return the labs that at least one student handed in."""
    handed_in = students(folder).values()  # asked name by name, because a folder that cannot be listed stops nobody
    return [lab for lab in labs if any(os.path.lexists(student / lab.name) for student in handed_in)]
