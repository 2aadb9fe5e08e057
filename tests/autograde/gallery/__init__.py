"""The gallery: submissions, one folder each, with what grading them must give.

    honest/<name>/     what most students hand in
    damaged/<name>/    honest work in a file that a tool or a hand has broken
    hostile/<name>/    an attack on the grader, or on whoever reads what it writes

A folder holds `golden.json`: one sentence on what it is, the exercises that are solved, what was done to the file, and
the golden result. Where the student wrote anything else, `answers.py` holds it as jupytext cells: a cell with a
`grade_id` is an answer, or without text only a place; any other is the student's own and stands before the answer that
follows it. A word such as `@course` stands for a path or a number that is known once a class is made
(`graded_gallery.py`).

Here the folders are read and the notebooks made. Nothing of a student is imported.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext

from tests.autograde import damage, planted, resaved
from tests.autograde.damage import BOTH, Notebook, cell, code, position

HERE = Path(__file__).parent
GROUPS = ("honest", "damaged", "hostile")
TOY = "toy"


@dataclass(frozen=True)
class Expected:
    """Status and points of the whole, statuses of some exercises by name, and a part of what one of them is told."""

    status: str
    score: float
    exercises: Mapping[str, str]
    told: str = ""


@dataclass(frozen=True)
class Kind:
    """How a submission comes about, and what it must come to.

    `answers` are sources by grade_id, `own` a student's own cells (type and source) by the grade_id of the answer that
    they stand before, and "" for those at the end. `change` returns what stands in the file where that is no notebook.
    """

    expected: Expected
    answers: Mapping[str, str]
    change: Callable[[Notebook], Notebook | bytes | str | None] = lambda notebook: None
    plant: Callable[[Path], None] = lambda folder: None
    own: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    about: str = ""
    group: str = "honest"
    lab: str = TOY


FULL = Expected("graded", 6, {"double": "right", "roots": "right"})


@cache
def entries() -> dict[str, Kind]:
    """Return every entry of the gallery by its student: the folder's name, or the one that golden.json gives."""
    found: dict[str, Kind] = {}
    for path in sorted(HERE.glob("*/*/golden.json")):
        golden = json.loads(path.read_text(encoding="utf-8"))
        student = golden.get("student", path.parent.name)
        assert student not in found, f"{path.parent}: {student!r} is in the gallery twice"
        found[student] = _kind(path.parent, golden)
    return found


def _kind(folder: Path, golden: Mapping[str, Any]) -> Kind:
    answers, own = written(folder / "answers.py")
    lab = golden.get("lab", TOY)
    right = {name: solution(lab)[name] for name in golden["solved"]}
    expected = Expected(golden["status"], golden["score"], golden["exercises"], golden.get("told", ""))
    change = _named(golden.get("change"), damage, resaved)
    plant = _named(golden.get("plant"), planted)
    return Kind(expected, {**right, **answers}, change, plant, own, golden["about"], folder.parent.name, lab)


def _named(name: str | None, *modules: ModuleType) -> Callable[..., Any]:
    found = [vars(module)[name] for module in modules if name in vars(module)]
    assert found or not name, f"no function {name}"
    return found[0] if found else lambda given: None


def written(path: Path) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Return what a student wrote into answers, and into cells of their own."""
    answers: dict[str, str] = {}
    own: dict[str, list[tuple[str, str]]] = {}
    waiting: list[tuple[str, str]] = []
    for one in jupytext.read(path, fmt="py:percent").cells if path.exists() else []:
        if "grade_id" in one.metadata:
            answers |= {one.metadata.grade_id: one.source} if one.source.strip() else {}
            own[one.metadata.grade_id], waiting = waiting, []
        else:
            waiting.append((one.cell_type, one.source))
    return answers, {**own, "": waiting}


@cache
def solution(lab: str) -> Mapping[str, str]:
    """Return the right answers to a lab's exercises."""
    if lab == TOY:
        return BOTH
    from autograde.build import build
    from autograde.course import Course

    source = build(Course().lab(lab), seed=1)
    marked = [(one.metadata.get("nbgrader", {}), one.source) for one in source.cells]
    return {marks["grade_id"]: text for marks, text in marked if marks.get("solution")}


def make(kind: Kind, released: Notebook) -> bytes:
    """Return the bytes of the notebook as it is handed in."""
    notebook = copy.deepcopy(released)
    for name, source in kind.answers.items():
        cell(notebook, name)["source"] = source
    for name, cells in kind.own.items():
        place = position(notebook, name) if name else len(notebook["cells"])
        added = [code(source, cell_type=type_, id=f"own-{name}-{n}") for n, (type_, source) in enumerate(cells)]
        notebook["cells"][place:place] = added
    made = kind.change(notebook)
    text = json.dumps(notebook if made is None else made) if not isinstance(made, bytes | str) else made
    return text if isinstance(text, bytes) else text.encode()


def write_class(released: bytes, folder: Path, kinds: Mapping[str, Kind]) -> None:
    """Write `<student>/<lab>/<lab>.ipynb` for each kind."""
    notebook = json.loads(released)
    for student, kind in kinds.items():
        place = folder / student / kind.lab
        place.mkdir(parents=True)
        (place / f"{kind.lab}.ipynb").write_bytes(make(kind, notebook))
        kind.plant(place)


KINDS = {student: kind for student, kind in entries().items() if kind.lab == TOY}
