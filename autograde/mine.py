"""A learner's own copy of a lab in `work/`, graded as a class would be, with the course's solution beside it.

    autograde/out/mine/<lab>/feedback.html     what a student of a class would get
    autograde/out/mine/<lab>/results.json
    autograde/out/mine/<lab>/solutions.html    both answers to each exercise that was tried, where that was asked for

Nothing in `work/` is written. It is the learner's own code on their own machine, so it runs whether or not the machine
can hold it in a sandbox. A solution is shown once the exercise was tried: the answer does something else than the stub,
and the tests did not call it untouched. That keeps nobody from reading `solutions/`; it keeps from reading by accident.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.course import CannotGrade, Course, Lab
from autograde.feedback import NEXT_STEPS, cut, page
from autograde.ingest import read_cells
from autograde.inside.align import defined_names, grade_id
from autograde.inside.handed_in import Unreadable
from autograde.inside.results import SubmissionResult, to_json, write_whole
from autograde.own_code import own_code
from autograde.pages import WORDS, render
from autograde.pipeline import Graded, bench, run, solution
from autograde.pool import Hands, Pool
from autograde.sandbox.machine import probe

STUDENT = "you"
AT_HOME = {  # what NEXT_STEPS says to somebody with an instructor
    "unreadable": "If JupyterLab still opens it, save it there once more. Else `make reset LAB={}` hands the lab out "
    "afresh and keeps yours in `work/kept/`.",
    "grader_error": "This is not your fault and says nothing about your work.",
}
MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Mine:
    """What came out for one lab: the result, the exercises that were tried, and where the pages are."""

    result: SubmissionResult
    next_step: str  # "" where the notebook came to its end
    tried: tuple[str, ...]
    feedback: Path
    solutions: Path | None  # None where they were not asked for, or nothing was tried

    def public(self) -> dict[str, Any]:
        """Return the part that `mine --json` promises to other programs."""
        pages = {"feedback": str(self.feedback), "solutions": str(self.solutions) if self.solutions else None}
        return {**self.result.public(), "tried": list(self.tried), **pages}


def folder_of(course: Course, lab: Lab) -> Path:
    """Return where a learner's copy of a lab lies."""
    return course.root / "work" / "labs" / lab.name


def changed_labs(course: Course) -> list[Lab]:
    """Return the labs in whose copy in `work/` a cell is not what was handed out. To run one changes no cell.

    Raises:
        CannotGrade: there is no copy of any.
    """
    labs = [lab for lab in course.labs() if _notebook(course, lab).is_file()]
    if not labs:
        raise CannotGrade(f"{course.root / 'work' / 'labs'} holds no lab yet. `make lab` puts your copies there.")
    return [lab for lab in labs if _is_changed(course, lab)]


def _is_changed(course: Course, lab: Lab) -> bool:
    handed_out = [cell.source for cell in nbformat.read(course.release_path(lab), as_version=4).cells]
    try:
        cells = read_cells(folder_of(course, lab), lab.name, lab.limits.notebook_bytes)
    except Unreadable:
        return True
    return [cell.source for cell in cells] != handed_out


def _notebook(course: Course, lab: Lab) -> Path:
    return folder_of(course, lab) / f"{lab.name}.ipynb"


def grade_mine(course: Course, labs: Iterable[Lab], show_solutions: bool) -> Iterator[Mine]:
    """Grade a learner's copies with the public seed; write the feedback pages and, where asked for, the solutions.

    Raises:
        CannotGrade: there is no copy of one of the labs.
    """
    with Pool(course.root, unsafe=not probe().isolates) as hands:
        for lab in labs:
            yield _grade_one(course, lab, show_solutions, hands)


def _grade_one(course: Course, lab: Lab, show_solutions: bool, hands: Hands) -> Mine:
    folder, out = folder_of(course, lab), course.root / "autograde" / "out" / "mine" / lab.name
    if not _notebook(course, lab).is_file():
        way_out = f"`make lab` puts your copies of all labs there; `make reset LAB={short_name(lab)}` this one afresh"
        raise CannotGrade(f"There is no {_notebook(course, lab)}. {way_out}.")
    with bench(course, lab, lab.seed, hands) as place:
        graded = next(run(place, {STUDENT: folder}, 1))
        solved = solution(place)
    release = nbformat.read(course.release_path(lab), as_version=4)
    written = _written(folder, lab, release)
    tried = tuple(name for name in solved if _is_tried(name, written, release, graded.result))
    next_step = (NEXT_STEPS | AT_HOME).get(graded.result.status, "").format(short_name(lab))
    write_whole(out / "feedback.html", _feedback(graded, next_step))
    write_whole(out / "results.json", to_json(graded.result.stored()))
    beside = out / "solutions.html"
    beside.unlink(missing_ok=True)  # that of an earlier answer
    if show_solutions and tried:
        write_whole(beside, solutions_page(graded.result, tried, written, solved))
    return Mine(graded.result, next_step, tried, out / "feedback.html", beside if beside.is_file() else None)


def short_name(lab: Lab) -> str:
    """Return the name by which `make` knows a lab, such as lab04."""
    return lab.name.split("_")[0]


def _feedback(graded: Graded, next_step: str) -> str:
    no_warning = replace(graded.result, isolation="")  # it is about an instructor who chose to go without a sandbox
    return page(no_warning, next_step=next_step, own=True)


def _written(folder: Path, lab: Lab, release: NotebookNode) -> dict[str, str]:
    try:
        return own_code(read_cells(folder, lab.name, lab.limits.notebook_bytes), release)
    except Unreadable:
        return {}


def _is_tried(name: str, written: Mapping[str, str], release: NotebookNode, result: SubmissionResult) -> bool:
    status = next((part.status for part in result.exercises if part.id == name), "")
    stub = next((cell.source for cell in release.cells if grade_id(cell) == name), "")
    return status not in ("", "not_attempted") and is_attempt(written.get(name, ""), stub)


def is_attempt(answer: str, stub: str) -> bool:
    """Tell whether an answer does something else than the stub. A stray key beside a stub that stands is none.

    >>> stub = "def f():\\n    raise NotImplementedError()"
    >>> is_attempt(stub + "\\nk", stub), is_attempt(stub + "\\ndef f(): pass", stub)
    (False, True)
    """
    beside = answer.replace(stub.strip(), "", 1)
    if beside != answer and not set(defined_names(beside)) & set(defined_names(stub)):
        return False
    return meaning(answer) not in ("", meaning(stub))


def meaning(code: str) -> str:
    """Return what Python reads in a cell, without comments and docstrings; the text where it reads nothing.

    >>> meaning("def f():\\n    'Say it.'\\n    return 1  # one") == meaning("def f():\\n    return 1")
    True
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree) if tree.body else ""


def solutions_page(
    result: SubmissionResult, tried: tuple[str, ...], written: Mapping[str, str], solved: Mapping[str, str]
) -> str:
    """Return the page with both answers to each exercise that was tried."""
    parts = [
        {"exercise": part, "yours": written[part.id], "ours": MARKER.sub("", solved[part.id]).rstrip()}
        for part in cut(result, ()).exercises
        if part.id in tried
    ]
    untried = [part.title for part in result.exercises if part.id in written and part.id not in tried]
    return render(
        "solutions.html",
        title=f"{result.lab}: your answers and the course's",
        result=result,
        parts=parts,
        untried=untried,
        words=WORDS,
        pictures=False,
        wide=True,
    )
