"""`grade`: grade a class."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autograde.course import Course
from autograde.grade import golden_differences, grade, graded, who_left
from autograde.inside.results import SubmissionResult, to_json
from autograde.lock import only_one, stopped_politely
from autograde.plan import How, LabPlan, plan
from autograde.report import table
from autograde.roster import chosen_labs
from autograde.store import Store
from autograde.verbs.options import Verbs, add_database, add_folder, add_output, add_run, start_grading, the_class, verb


def add(verbs: Verbs) -> None:
    more = (
        "FOLDER holds <student>/<lab>/<lab>.ipynb. Scores, feedback and grades.csv go to autograde/out/. Only what "
        "changed since the last time is run: call it again after it was stopped, or when more was handed in."
    )
    parser = verb(verbs, "grade", "Grade a class", more)
    add_folder(parser)
    add_output(parser)
    add_run(parser)
    add_database(parser)
    dry = "run nothing; say which submissions would run, and why"
    parser.add_argument("--dry-run", action="store_true", help=dry)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    course, folder = the_class(options)
    labs, store = chosen_labs(course, folder, options.lab), Store(course.out(folder))
    if options.dry_run:
        plans = [plan(course, folder, lab, store, options.unsafe) for lab in labs]
        _tell_who_left(plans, store)
        return _show(plans, options.json)
    how = the_way(options, course, folder)
    with only_one(store.out), stopped_politely():
        plans = [plan(course, folder, lab, store, how.unsafe) for lab in labs]
        _tell_who_left(plans, store)
        _set_aside(plans, store)
        _grade(course, folder, plans, how)
        results = graded(course, folder, labs, how.database)
    return _print(options, course, folder, results)


def the_way(options: argparse.Namespace, course: Course, folder: Path) -> How:
    """Return how the user wants the class graded."""
    return How(course.database(folder, options.db), options.jobs, options.unsafe, options.scheduler)


def _tell_who_left(plans: list[LabPlan], store: Store) -> None:
    """Name who had a result and has no folder now: a folder that went away by mistake would lose a grade in silence."""
    for one in plans:
        gone = who_left(store, one)
        if gone:
            what = f"no folder any more, so not in the grades: {', '.join(gone)}"
            kept = f"Kept in {store.out / 'left'}; once a folder is back, its result counts again"
            print(f"{one.lab.name}: {what}. {kept}.", file=sys.stderr)


def _set_aside(plans: list[LabPlan], store: Store) -> None:
    for one in plans:
        for submission in one.planned:
            if submission.damaged:
                print(store.set_aside(submission.student, one.lab.name), file=sys.stderr)


def _grade(course: Course, folder: Path, plans: list[LabPlan], how: How) -> None:
    """Run what there is to run, with a bar on a terminal (disable=None), and nothing in a log or a pipe."""
    todo = sum(len(one.todo) for one in plans)
    if not todo:
        list(grade(course, folder, plans, how))
        return
    start_grading()
    from tqdm import tqdm

    for _ in tqdm(grade(course, folder, plans, how), "grading", todo, unit="notebook", disable=None):
        pass  # each is stored when it comes


def _print(options: argparse.Namespace, course: Course, folder: Path, results: list[SubmissionResult]) -> int:
    if options.json:
        print(to_json({"version": 1, "submissions": [one.public() for one in results]}), end="")
        return 0
    print(table(results))
    print(f"\nGradebook, feedback and grades.csv: {course.out(folder)}")
    _compare(golden_differences(folder, results), len(results))
    return 0


def _compare(differences: list[str] | None, total: int) -> None:
    if differences is not None:
        print(f"Golden results: {total - len(differences)} of {total} as expected.", *differences, sep="\n  ")


def _show(plans: list[LabPlan], as_json: bool) -> int:
    """Print what would run, and why."""
    if as_json:
        found = [
            {"student": submission.student, "lab": one.lab.name, "why": submission.why or "unchanged"}
            for one in plans
            for submission in one.planned
        ]
        print(to_json({"version": 1, "plan": found}), end="")
        return 0
    for one in plans:
        print(f"{one.lab.name}: {len(one.todo)} of {len(one.planned)} would run")
        print("".join(f"  {submission.student}: {submission.why}\n" for submission in one.todo), end="")
    return 0
