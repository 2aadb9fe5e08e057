"""A class of honest students, made from a lab's own answers: right ones, wrong ones, and stubs left as they were.

Each exercise of each student is drawn by a generator that is seeded with the lab's name and the student's number, so
the class of 200 begins with the class of 10, and a second call gives the same bytes. Nobody here attacks, hangs or
damages a notebook: such students are in the gallery of the tests.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograde.build import build
from autograde.course import Course, Lab
from autograde.inside.results import write_whole
from autograde.mutants import load_answers

MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)
SHARES = {"right": 0.7, "wrong": 0.25, "stub": 0.05}  # of all answers; what a class of middling luck hands in


def write_class(course: Course, lab: Lab, folder: Path, count: int) -> None:
    """Write `<student>/<lab>/<lab>.ipynb` for `count` students."""
    for student, text in notebooks(course, lab, count):
        write_whole(folder / student / lab.name / f"{lab.name}.ipynb", text)


def notebooks(course: Course, lab: Lab, count: int) -> Iterator[tuple[str, str]]:
    """Yield (student, text of the notebook) for each student of the class."""
    released = json.loads(course.release_path(lab).read_text(encoding="utf-8"))
    answers = _answers(course, lab)
    for number in range(count):
        drawn = random.Random(f"{lab.name} {number}")
        chosen = {exercise: _drawn(drawn, kinds) for exercise, kinds in answers.items()}
        yield f"student-{number:04}", json.dumps(_answered(released, chosen), indent=1, ensure_ascii=False) + "\n"


def _answers(course: Course, lab: Lab) -> dict[str, dict[str, list[str]]]:
    """Return the answers to each exercise: the solution and other right ones, and wrong ones."""
    own = _solution(course, lab)
    known = load_answers(lab.folder / "mutants.py")
    right = {exercise: [code, *_of(known.right, exercise)] for exercise, code in own.items()}
    return {exercise: {"right": right[exercise], "wrong": _of(known.mutants, exercise)} for exercise in own}


def _solution(course: Course, lab: Lab) -> dict[str, str]:
    source = build(lab, lab.seed, course.root / "pyproject.toml")
    marked = [(cell, cell.metadata.get("nbgrader", {})) for cell in source.cells if cell.cell_type == "code"]
    return {marks["grade_id"]: MARKER.sub("", cell.source) for cell, marks in marked if marks.get("solution")}


def _of(answers: Sequence[Any], exercise: str) -> list[str]:
    return [one.code.strip("\n") for one in answers if one.exercise == exercise]


def _drawn(drawn: random.Random, kinds: Mapping[str, Sequence[str]]) -> str | None:
    """Return an answer, or None for a stub that is left. Both draws are made in any case: the next do not shift."""
    kind = drawn.choices(list(SHARES), list(SHARES.values()))[0]
    choice = drawn.random()
    answers = kinds.get(kind) or []
    return answers[int(choice * len(answers))] if answers else None


def _answered(released: Mapping[str, Any], chosen: Mapping[str, str | None]) -> dict[str, Any]:
    notebook: dict[str, Any] = copy.deepcopy(dict(released))
    for cell in notebook["cells"]:
        answer = chosen.get(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))
        if answer is not None:
            cell["source"] = answer
    return notebook
