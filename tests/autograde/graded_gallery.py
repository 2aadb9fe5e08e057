"""The gallery graded as a class by the real command, in surroundings that are watched.

Each attack is told every path, so none fails because it did not know where to look.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograde.course import ROOT
from tests.autograde.gallery import TOY, Kind, write_class
from tests.autograde.surroundings import Surroundings, differences, fingerprints, listening, surroundings


@dataclass(frozen=True)
class Graded:
    """What came of grading: results as printed by student, what the grading process took, who called the listener."""

    around: Surroundings
    printed: dict[str, dict[str, Any]]
    watched: list[dict[str, Any]]
    calls: list[str]
    changed: list[str]

    def out(self, lab: str = TOY) -> Path:
        return self.around.course.out(self.around.folder(lab))

    def named(self, student: str) -> str:
        """Return the student's name as results call it."""
        return str(self.printed[student]["student"])

    def page(self, student: str) -> str:
        return (self.out() / "feedback" / self.named(student) / TOY / f"{TOY}.html").read_text()

    def result(self, student: str) -> str:
        lab = self.printed[student]["lab"]
        return (self.out(lab) / "results" / self.named(student) / lab / "results.json").read_text()

    def pages(self) -> list[tuple[Path, str]]:
        """Return every page with its path."""
        return [(path, path.read_text()) for out in self.outs() for path in (out / "feedback").glob("*/*/*.html")]

    def handed_back(self) -> list[tuple[Path, str]]:
        """Return all that students read, and the class's tables."""
        stored = [path for out in self.outs() for path in (out / "results").glob("*/*/results.json")]
        tables = [out / "grades.csv" for out in self.outs()]
        printed = (Path("printed.json"), json.dumps(list(self.printed.values()), ensure_ascii=False))
        return [*self.pages(), *((path, path.read_text()) for path in [*stored, *tables]), printed]

    def outputs(self) -> list[tuple[Path, str]]:
        """Return what the student's cells showed in each autograded notebook; its tests are the instructor's."""
        paths = [path for out in self.outs() for path in (out / "autograded").glob("*/*/*.ipynb")]
        read = {path: json.loads(path.read_text())["cells"] for path in paths}
        return [(path, json.dumps([cell.get("outputs") for cell in cells])) for path, cells in read.items()]

    def outs(self) -> list[Path]:
        """Return where results lie, one folder a class."""
        return sorted({self.out(one["lab"]) for one in self.printed.values()})


def grade_all(
    root: Path, blank: Path, kinds: Mapping[str, Kind], *options: str, marks: Mapping[str, str] | None = None
) -> Graded:
    """Grade `kinds` with the command line: the toy as one class, the labs as another. `marks` are new unless given."""
    around = surroundings(root, blank, {kind.lab for kind in kinds.values()}, marks or {})
    with listening(around.course.root) as (port, name, calls):
        around = replace(around, port=port, socket=name)
        hand_in(around, kinds)
        before = fingerprints(around)
        printed, watched = {}, []
        for folder in sorted({around.folder(kind.lab) for kind in kinds.values()}):
            results, seen = grade(around, folder, *options)
            printed |= {student: one for student, one in results if kinds[student].lab == one["lab"]}
            watched.append(seen)
        return Graded(around, printed, watched, calls, differences(before, fingerprints(around)))


def grade(around: Surroundings, folder: Path, *options: str) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """Grade one class; return (student, result) as printed, and what was seen of the grading process."""
    from autograde.roster import students

    report = around.root / f"watched_{folder.name}.json"
    watch = [sys.executable, "-m", "tests.autograde.watched", str(report)]
    command = [sys.executable, "-m", "autograde", "grade", str(folder), "--json", "--course", str(around.course.root)]
    secret = {"INSTRUCTORS_SECRET": around.marks["environment"], "HOME": str(around.home)}
    environment = {**os.environ, **secret, "PYTHONPATH": str(ROOT)}
    run = [*watch, *command, *(options or ("--jobs", "2"))]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    by_printed = {printed: path.name for printed, path in students(folder).items()}
    results = json.loads(done.stdout)["submissions"]
    return [(by_printed[one["student"]], one) for one in results], json.loads(report.read_text())


def hand_in(around: Surroundings, kinds: Mapping[str, Kind]) -> None:
    """Release the labs, and write the classes, the attacks told every path."""
    from autograde.release import release

    for lab in sorted({kind.lab for kind in kinds.values()}):
        of_lab = {student: told(kind, around) for student, kind in kinds.items() if kind.lab == lab}
        released = release(around.course, around.course.lab(lab))
        path = around.course.release_path(around.course.lab(lab))
        path.parent.mkdir(parents=True)
        path.write_bytes(released)
        write_class(released, around.folder(lab), of_lab)


def told(kind: Kind, around: Surroundings) -> Kind:
    """Return the kind with paths and numbers in place of the words that stand for them."""
    words = {"@course": str(around.course.root), "@home": str(around.home), "@repository": str(ROOT),
             "@port": str(around.port), "@socket": around.socket, "@mark": around.marks["classmate"]}  # fmt: skip

    def filled(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    answers = {name: filled(text) for name, text in kind.answers.items()}
    own = {name: [(cell, filled(text)) for cell, text in cells] for name, cells in kind.own.items()}
    return replace(kind, answers=answers, own=own)
