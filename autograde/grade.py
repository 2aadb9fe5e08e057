"""Grade a class: run what has to run, then bring gradebook, feedback and grades.csv in line with the results.

All of it lies in `autograde/out/<class>/`:

    results/<student>/<lab>/           results.json: the truth, written last of what a run leaves
    autograded/<student>/<lab>/        the notebook as it ran, for the formgrader; it holds hidden tests
    logs/<student>/<lab>.txt           where the grader itself failed
    gradebook.db                       nbgrader's, with the marks that people enter (or a database elsewhere)
    feedback/<student>/<lab>/          one HTML page to hand back
    grades.csv                         the class, with a column per exercise

A grader that is killed leaves results that count and submissions that have none; the next call goes on from there.
What loads nbgrader, which takes 2 s, is imported where something has to run or to be written, and not before.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autograde.course import Course, Lab
from autograde.inside.results import SubmissionResult
from autograde.marks import held
from autograde.plan import How, LabPlan
from autograde.report import load
from autograde.store import Store
from autograde.views import write_csv, write_views


def grade(course: Course, folder: Path, plans: Iterable[LabPlan], how: How) -> Iterator[SubmissionResult]:
    """Run what the plans ask for; yield each result once it is stored. After each lab all views are in line.

    Raises:
        CannotGrade: the solution does not get all points here, or the gradebook cannot take the lab.
    """
    store = Store(course.out(folder))
    with contextlib.ExitStack() as stack:
        crew = None
        for plan in plans:
            _call_the_roll(store, plan)
            if plan.todo or held(how.database).sources.get(plan.lab.name) != plan.source:
                from autograde.running import hands, run_lab

                crew = crew or stack.enter_context(hands(course, how))
                yield from run_lab(course, folder, plan, how, crew)
            write_views(store, plan.lab.name, how.database)
    write_csv(store, how.database)


def _call_the_roll(store: Store, plan: LabPlan) -> None:
    """Put the results of students who left apart, and bring those of who is back."""
    present = {one.student for one in plan.planned}
    for student in sorted(present):
        store.welcome(student, plan.lab.name)
    for student in who_left(store, plan):
        store.forget(student, plan.lab.name)


def who_left(store: Store, plan: LabPlan) -> list[str]:
    """Return who has a result that counts, and is not in the class any more."""
    return sorted(store.students(plan.lab.name) - {one.student for one in plan.planned})


def graded(course: Course, folder: Path, labs: Sequence[Lab], database: str) -> list[SubmissionResult]:
    """Return what the class came to in some labs, marks by hand included, by lab and student."""
    from autograde.merged import with_marks

    names = {lab.name for lab in labs}
    results = [one for one in load(course.out(folder) / "results") if one.lab in names]
    return with_marks(results, held(database))


def golden_differences(folder: Path, results: Iterable[SubmissionResult]) -> list[str] | None:
    """Return where results differ from the folder's golden.json, in sentences; None when it has no such file."""
    path = folder / "golden.json"
    if not path.is_file():
        return None
    golden = {(one["student"], one["lab"]): one for one in json.loads(path.read_text(encoding="utf-8"))["submissions"]}
    found = {(one.student, one.lab): one.public() for one in results}
    missing = [f"{student}: not in golden.json" for student, _ in found.keys() - golden.keys()]
    return sorted(
        missing
        + [_difference(golden[key], found[key]) for key in found.keys() & golden.keys() if golden[key] != found[key]]
    )


def _difference(golden: dict[str, Any], found: dict[str, Any]) -> str:
    parts = [_said(name, golden[name], found[name]) for name in golden if name != "exercises"]
    pairs = zip(golden["exercises"], found["exercises"], strict=False)
    parts += [_said(f"{name} of {old['id']}", old[name], new[name]) for old, new in pairs for name in old]
    return f"{golden['student']}: " + ("; ".join(filter(None, parts)) or "other exercises than in golden.json")


def _said(name: str, golden: object, found: object) -> str:
    return "" if golden == found else f"{name} is {found!r}, golden is {golden!r}"
