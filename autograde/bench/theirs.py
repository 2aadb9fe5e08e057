"""`nbgrader autograde` on a class, as an instructor would call it, with this course's configuration.

It runs as a process of its own in a scratch course of one lab, which `python -m autograde` can grade as well. The start
of the command (imports, command line, database) does not grow with the class: a run over one notebook shows it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbgrader.api import Gradebook

from autograde import gradebook
from autograde.build import build
from autograde.course import ROOT, CannotGrade, Course, Lab

ScoreByCell = dict[str, float]


@contextmanager
def scratch_course(course: Course, lab: Lab) -> Iterator[Course]:
    """Hand out a course of one lab, ready for nbgrader's commands and for ours; nobody has handed in."""
    with TemporaryDirectory(prefix="autograde-bench-") as name:
        scratch = Course(Path(name))
        shutil.copytree(lab.folder, scratch.root / "solutions" / lab.name, ignore=shutil.ignore_patterns("*.ipynb"))
        shutil.copytree(course.release_path(lab).parent, scratch.release_path(lab).parent)
        if (course.root / "pyproject.toml").is_file():
            shutil.copy(course.root / "pyproject.toml", scratch.root)
        built = build(lab, lab.seed, scratch.root / "pyproject.toml")
        nbformat.write(built, scratch.lab(lab.name).source.with_suffix(".ipynb"))
        (scratch.root / "autograde").mkdir()
        shutil.copy(ROOT / "autograde" / "nbgrader_config.py", scratch.root / "autograde")
        blank = course.root / "autograde" / "out" / "blank_gradebook.db"
        gradebook.prepare(_address(scratch), blank)
        gradebook.register(built, lab.name, _address(scratch), "")
        yield scratch


def hand_in(scratch: Course, lab: Lab, folder: Path, students: Iterable[str]) -> None:
    """Copy the submissions of some students from `folder` to where nbgrader looks for them."""
    for student in students:
        shutil.copytree(folder / student / lab.name, scratch.submitted / student / lab.name, dirs_exist_ok=True)


def autograde(scratch: Course, lab: Lab) -> float:
    """Run nbgrader's command over all that was handed in, and return its seconds on the wall's clock.

    Raises:
        CannotGrade: the command failed; the end of what it said is in the message.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_PATH": str(scratch.root / "autograde")}
    environment = {**os.environ, **lab.environment, **own}
    command = [sys.executable, "-m", "nbgrader", "autograde", lab.name, "--force"]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=scratch.root, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise CannotGrade(f"`nbgrader autograde {lab.name}` failed: {done.stderr[-2000:]}")
    return seconds


def scores(scratch: Course, lab: Lab) -> dict[str, ScoreByCell]:
    """Return what nbgrader gave, by student and graded cell."""
    with Gradebook(_address(scratch), gradebook.COURSE_ID) as book:
        return {
            one.student.id: {grade.name: float(grade.score) for grade in one.notebooks[0].grades}
            for one in book.assignment_submissions(lab.name)
        }


def _address(scratch: Course) -> str:
    return gradebook.url(scratch.root / "autograde" / "out" / "class" / "gradebook.db")
