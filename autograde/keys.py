"""What a result depends on, as hashes: when they are the same, the result holds, and nothing has to run again.

    submission   the notebook and the files beside it, or the sentence with which they are refused
    lab          the lab's sources, the settings that a run heeds, and the seed: the instructor's secret itself, not the
                 32 bits that are drawn from it, which whoever sees a key could try one by one
    grader       the sources of what runs and judges, of what builds the lab, and of the library that students use
    isolation    "sandbox" or "none"

Not noticed: another Python, another version of torch. `regrade` runs what is unchanged all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from autograde.course import ROOT, Course, Lab
from autograde.first_cells import first_cells
from autograde.ingest import MAX_STUDENT_FILE, find_notebook, read_plain
from autograde.inside.handed_in import Unreadable

LENGTH = 32  # hex digits of a hash: 128 bits
DECIDES = ("inside/**/*.py", "sandbox/**/*.py", "build.py", "first_cells.py", "release.py", "nbgrader_config.py",
           "pipeline.py", "pool.py")  # fmt: skip
WITHOUT_EFFECT = ("folder", "seed", "answers_together", "reason")  # settings of a lab that change no result


class Key(NamedTuple):
    """All that one result depends on."""

    submission: str
    lab: str
    grader: str
    isolation: str

    def __str__(self) -> str:
        return ".".join(self)


def key(course: Course, lab: Lab, submissions: Path, student: str, folder: Path, isolation: str) -> Key:
    """Return the key of what one student handed in for a lab; `folder` holds the notebook."""
    return Key(submission_hash(lab, student, folder), lab_hash(course, lab, submissions), grader_version(), isolation)


def submission_hash(lab: Lab, student: str, folder: Path) -> str:
    """Return the hash of what was handed in. What is missing or refused has one too: that of the sentence."""
    parts = [lab.name.encode(), student.encode()]
    try:
        parts.append(read_plain(find_notebook(folder, lab.name), lab.limits.notebook_bytes))
        for name in lab.student_files:
            present = os.path.lexists(folder / name)
            parts += [name.encode(), read_plain(folder / name, MAX_STUDENT_FILE) if present else b"absent"]
    except Unreadable as error:
        parts += [b"refused", type(error).__name__.encode(), str(error).encode()]
    return _hash(parts)


def lab_hash(course: Course, lab: Lab, submissions: Path) -> str:
    """Return the hash of a lab as a class is graded by it: sources, settings, seed."""
    sources = sorted(path for path in lab.folder.glob("*.py") if path.name != "mutants.py")
    settings = {name: value for name, value in asdict(lab).items() if name not in WITHOUT_EFFECT}
    pyproject = course.root / "pyproject.toml"
    opening = first_cells(f"labs/{lab.name}/{lab.name}.ipynb", pyproject) if pyproject.is_file() else ()
    seed = course.secret(submissions) or f"public {lab.seed}"
    said = json.dumps([lab.name, settings, list(opening), seed], sort_keys=True)
    return _hash([said.encode(), *_files(lab.folder, sources)])


def check_hash(course: Course, lab: Lab, submissions: Path) -> str:
    """Return the hash of all that the preflight of a lab depends on: the wrong answers that must lose, too."""
    mutants = [path for path in [lab.folder / "mutants.py"] if path.is_file()]
    tries = [ROOT / "autograde" / name for name in ("preflight.py", "check.py", "mutants.py")]
    found = [*_files(lab.folder, mutants), *_files(ROOT, tries)]
    return _hash([lab_hash(course, lab, submissions).encode(), grader_version().encode(), *found])


@cache
def grader_version() -> str:
    """Return the hash of the files of this tool that decide about a result."""
    own = [path for pattern in DECIDES for path in sorted((ROOT / "autograde").glob(pattern))]
    library = [path for path in sorted((ROOT / "mini_lib").rglob("*")) if path.suffix in (".py", ".json")]
    return _hash(_files(ROOT, own + library))


def _files(root: Path, paths: Iterable[Path]) -> list[bytes]:
    return [part for path in paths for part in (path.relative_to(root).as_posix().encode(), path.read_bytes())]


def _hash(parts: Iterable[bytes]) -> str:
    """Return one hash of several texts, each with its length, so that no two lists look alike."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.hexdigest()[:LENGTH]
