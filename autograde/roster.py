"""Who is in a class: the folders of its students, and the labs that they handed in. Opens no file.

Where nothing lies as it must, a sentence says what is there instead: most often a download that is not laid out yet.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path

from autograde.course import CannotGrade, Course, Lab

SHOWN = 20  # names in a sentence; the rest is counted
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


def chosen_labs(course: Course, folder: Path, named: str | None) -> list[Lab]:
    """Return the lab that was named, or all that the class handed in.

    Raises:
        CannotGrade: there is no such folder, or nothing in it lies where a submission must.
    """
    if not folder.is_dir():
        way_out = "It should hold <student>/<lab>/<lab>.ipynb. To see how it works: grade autograde/sample_class"
        raise CannotGrade(f"There is no folder {folder}. {way_out}.")
    labs = [course.lab(named)] if named else labs_of(folder, course.labs())
    if not labs or not students(folder):
        known = [lab.name for lab in course.labs()]
        listed = ", ".join(known) or "none"
        nothing = f"{folder} holds no submission <student>/<lab>/<lab>.ipynb of a lab in solutions/ ({listed})."
        raise CannotGrade(" ".join([nothing, *_instead(folder, known)]))
    return labs


def _instead(folder: Path, labs: Collection[str]) -> Iterable[str]:
    """Yield what lies in a folder in place of submissions, and where it belongs."""
    if any((folder / lab).is_dir() and (folder / lab / f"{lab}.ipynb").exists() for lab in labs):
        yield f"It looks like the folder of one student; the class is the folder above: {folder.parent}."
        return
    for packed in sorted(folder.glob("*.zip"))[:1]:
        yield f"Unpack {printable(packed.name)} first."
    # Three floors and no more: the folder may have been mistyped as a whole disk.
    found = sorted(path for floor in ("*", "*/*", "*/*/*") for path in folder.glob(f"{floor}.ipynb"))
    if found:
        name = printable(str(found[0].relative_to(folder)))
        lab = next((lab for lab in labs if lab.split("_")[0] in name), next(iter(labs), "lab"))
        yield f"Notebooks elsewhere in it: {len(found)}, the first is {name}."
        yield f"That of a student ada for {lab} belongs at {folder / 'ada' / lab / f'{lab}.ipynb'}."


def to_choose_from(student: str, known: Collection[str]) -> str:
    """Return a sentence with the names that are like one that nobody has, or else with the first of all."""
    near = get_close_matches(student, known)
    if near:
        return f"Names like it: {', '.join(near)}."
    more = f", and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"This class has: {', '.join(sorted(known)[:SHOWN]) or 'nobody'}{more}."
