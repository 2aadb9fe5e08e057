"""A course and its class for the tests of the grader; graded once, looked at by many."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograde.course import Course
from autograde.release import release
from tests.autograde.calling import Called, call
from tests.autograde.gallery import GROUPS, Kind, entries, write_class
from tests.autograde.graded_gallery import grade_all
from tests.autograde.quick_class import THREE, hand_in, patched

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
        return call(verb, "--course", str(self.course.root), *arguments)

    def grade(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Grade, and return the printed results by student."""
        return by_student(self.call("grade", "--json", "--jobs", "2", *arguments))


@pytest.fixture(autouse=True, scope="session")
def heard_by_who_is_started():
    """A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
def graded_once(new_class):
    """A class of three, graded once by hands that run nothing."""
    toy = new_class()
    released = release(toy.course, toy.lab)
    with pytest.MonkeyPatch.context() as patch:
        patched(patch)
        hand_in(toy.course, released, THREE)
        toy.grade()
    return SimpleNamespace(toy=toy, released=released)


@pytest.fixture
def toy(graded_once, tmp_path, monkeypatch):
    """A copy of that class, to do with it what one likes; it is graded by hands that run nothing from here on, too."""
    root = tmp_path / "toy"
    shutil.copytree(graded_once.toy.course.root, root)
    made = ToyClass(replace(graded_once.toy.course, root=root))
    tried = patched(monkeypatch)
    return SimpleNamespace(
        course=made.course, out=made.out, call=made.call, grade=made.grade, lab=made.lab, tried=tried,
        hand_in=lambda answers: hand_in(made.course, graded_once.released, answers),
    )  # fmt: skip


@pytest.fixture(scope="session")
def gallery(tmp_path_factory, blank):
    """The whole gallery, graded once. Some of it must not run outside of a sandbox."""
    if shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    return grade_all(tmp_path_factory.mktemp("gallery"), blank, entries())
