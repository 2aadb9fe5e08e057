"""A course and its class for the tests of the grader; graded once, looked at by many."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from autograde.cli import main
from autograde.course import ROOT, Course
from autograde.release import release
from tests.autograde.gallery import GROUPS, Kind, entries, write_class
from tests.autograde.graded_gallery import grade_all

# A course, and what students wrote, some of them to do harm: pytest must not import it to look for doctests.
collect_ignore = ["toy", *(f"gallery/{group}" for group in GROUPS)]

TOY = Path(__file__).parent / "toy"
SMALL = "seed = 424242\n[limits]\ncell_seconds = 2\nsubmission_seconds = 8\nnotebook_bytes = 2000000\n"


@dataclass(frozen=True)
class ToyClass:
    """A copy of the toy course with its blank gradebook, so that the next copy need not wait for nbgrader."""

    course: Course

    @property
    def lab(self):
        return self.course.lab("toy")

    @property
    def out(self) -> Path:
        return self.course.out(self.course.submitted)

    def hand_in(self, kinds: dict[str, Kind]) -> None:
        """Hand in anew for these students."""
        for student in kinds:
            shutil.rmtree(self.course.submitted / student, ignore_errors=True)
        write_class(release(self.course, self.lab), self.course.submitted, kinds)

    def call(self, verb: str, *arguments: str) -> Called:
        """Run a verb in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([verb, "--course", str(self.course.root), *arguments])
        return Called(status, out.getvalue(), err.getvalue())

    def grade(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Grade, and return the printed results by student."""
        return by_student(self.call("grade", "--json", "--jobs", "2", *arguments))

    def grade_from_the_shell(self) -> dict[str, dict[str, Any]]:
        """The same as a person does it, with a secret in the environment."""
        command = [
            sys.executable,
            "-m",
            "autograde",
            "grade",
            "--course",
            str(self.course.root),
            "--json",
            "--jobs",
            "2",
        ]
        environment = {**os.environ, "INSTRUCTORS_SECRET": "42", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return by_student(Called(done.returncode, done.stdout, done.stderr))


class Called(NamedTuple):
    """What a call of the command line came to."""

    returncode: int
    stdout: str
    stderr: str


def by_student(called: Called) -> dict[str, dict[str, Any]]:
    assert called.returncode == 0, called.stderr
    return {one["student"]: one for one in json.loads(called.stdout)["submissions"]}


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """An empty gradebook: nbgrader takes 2 s to make one."""
    from autograde import gradebook

    path = tmp_path_factory.mktemp("blank") / "blank.db"
    gradebook.create(path.with_name("first.db"), path)
    return path


@pytest.fixture(scope="session")
def new_class(tmp_path_factory, blank):
    """Return a function that makes a fresh toy course."""

    def make() -> ToyClass:
        root = tmp_path_factory.mktemp("course") / "toy"
        shutil.copytree(TOY, root)
        (root / "solutions" / "toy" / "lab.toml").write_text(SMALL)
        (root / "autograde" / "out").mkdir(parents=True)
        shutil.copyfile(blank, root / "autograde" / "out" / "blank_gradebook.db")
        return ToyClass(Course(root))

    return make


@pytest.fixture(scope="session")
def gallery(tmp_path_factory, blank):
    """The whole gallery, graded once. Some of it must not run outside of a sandbox."""
    if shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    return grade_all(tmp_path_factory.mktemp("gallery"), blank, entries())
