"""A class of lab 4 made from the lab's own `mutants.py`, with copies planted in it, for the tests of `similar`."""

from __future__ import annotations

import ast
import copy
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograde.build import build
from autograde.course import ROOT, Course
from autograde.inside.align import grade_id, is_answer
from autograde.mutants import load_answers

LAB = "lab04_capture_sizes"
Answers = dict[str, str]


def course_in(root: Path) -> Course:
    """Return a course that holds lab 4 alone."""
    shutil.copyfile(ROOT / "pyproject.toml", root / "pyproject.toml")
    for part in ("solutions", "labs"):
        shutil.copytree(ROOT / part / LAB, root / part / LAB)
    return Course(root)


def solution(course: Course) -> Answers:
    source = build(course.lab(LAB), 1, course.root / "pyproject.toml")
    return {grade_id(cell): cell.source for cell in source.cells if is_answer(cell)}


def independent(course: Course, how_many: int) -> dict[str, Answers]:
    """Return answers of students of whom no two took the same to a longer exercise: each drew another of its list."""
    known = load_answers(course.lab(LAB).folder / "mutants.py")
    drawn: dict[str, list[str]] = {}
    for one in [*known.right, *known.mutants]:
        drawn.setdefault(one.exercise, []).append(one.code.strip("\n"))
    return {
        f"student_{number:02}": {name: codes[number % len(codes)] for name, codes in drawn.items()}
        for number in range(how_many)
    }


def renamed(code: str) -> str:
    """Return code in which every name that it binds is another one, and all comments are gone."""
    tree = ast.parse(code)
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in bound:
            node.id = f"my_{node.id}_too"
    return ast.unparse(tree)


def commented(code: str) -> str:
    return re.sub(r"\n(?=    \S)", "\n    # this took me a while\n", code)


def spaced(code: str) -> str:
    return code.replace("    ", "  ").replace(", ", " , ").replace(" = ", "=")


def hand_in(course: Course, folder: Path, written: Mapping[str, Answers]) -> None:
    """Write a notebook for each student; what has no name in the lab becomes a cell of their own at the end."""
    release = json.loads(course.release_path(course.lab(LAB)).read_text(encoding="utf-8"))
    for student, answers in written.items():
        write(folder, student, notebook(release, answers))


def notebook(release: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    made = copy.deepcopy(dict(release))
    names = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in made["cells"]]
    for cell, name in zip(made["cells"], names, strict=True):
        cell["source"] = answers.get(name, cell["source"])
    made["cells"] += [own_cell(code) for name, code in answers.items() if name not in names]
    return made


def own_cell(code: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": code, "metadata": {}, "outputs": [], "execution_count": None, "id": "mine"}


def write(folder: Path, student: str, made: Mapping[str, Any] | bytes) -> None:
    path = folder / student / LAB / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
