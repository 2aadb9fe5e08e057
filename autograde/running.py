"""Run the submissions of one lab that have to run, and store what each leaves. This is where nbgrader is loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from autograde import gradebook
from autograde.course import Course
from autograde.inside.results import SubmissionResult, write_whole
from autograde.keys import check_hash
from autograde.lock import undisturbed
from autograde.marks import held
from autograde.pipeline import Bench, Graded, bench, run
from autograde.plan import How, LabPlan, Planned
from autograde.pool import Hands, Pool
from autograde.preflight import preflight
from autograde.store import Store

Settled = Callable[[Planned, SubmissionResult], SubmissionResult]


def settled(plan: Planned, result: SubmissionResult) -> SubmissionResult:
    """Return a result as it is stored: with its key, and with what was regraded before."""
    history = plan.before.history if plan.before else ()
    return replace(result, key=str(plan.key._replace(isolation=result.isolation)), history=history)


@contextlib.contextmanager
def hands(course: Course, how: How) -> Iterator[Hands]:
    """Return who runs the jobs: this machine, or a cluster."""
    if how.scheduler:
        from autograde.cluster.client import reached

        with reached(how.scheduler, how.unsafe) as cluster:
            yield cluster
    else:
        with Pool(course.root, unsafe=how.unsafe) as pool:
            yield pool


def run_lab(
    course: Course, folder: Path, plan: LabPlan, how: How, crew: Hands, settle: Settled = settled
) -> Iterator[SubmissionResult]:
    """Run what the plan asks for and yield each result once it is stored; register the lab's cells where they changed.

    Raises:
        CannotGrade: the solution does not get all points here, or the gradebook cannot take the lab.
    """
    store, todo = Store(course.out(folder)), {one.student: one for one in plan.todo}
    with bench(course, plan.lab, course.seed(plan.lab, folder), crew) as place:
        _register(course, place, plan.source, how.database)
        if not todo:
            return
        _try_tests(course, folder, place, store, how.jobs)
        for graded in run(place, {name: one.folder for name, one in todo.items()}, how.jobs):
            yield _keep(store, graded, settle, todo[graded.result.student])


def _register(course: Course, place: Bench, source: str, database: str) -> None:
    if held(database).sources.get(place.lab.name) != source:
        gradebook.prepare(database, course.root / "autograde" / "out" / "blank_gradebook.db")
        gradebook.register(place.built.source, place.lab.name, database, source)


def _try_tests(course: Course, folder: Path, place: Bench, store: Store, at_once: int) -> None:
    """Run the preflight, unless the same sources have passed it before."""
    key = check_hash(course, place.lab, folder)
    if not store.preflight_done(place.lab.name, key):
        preflight(place, at_once)
        store.note_preflight(place.lab.name, key)


def _keep(store: Store, graded: Graded, settle: Settled, plan: Planned) -> SubmissionResult:
    """Write down all that one run leaves, the result last: from then on it counts."""
    result = settle(plan, graded.result)
    student, lab = result.student, result.lab
    log = store.out / "logs" / student / f"{lab}.txt"
    with undisturbed():
        write_whole(store.out / "autograded" / student / lab / f"{lab}.ipynb", graded.notebook)
        if result.status == "grader_error":
            write_whole(log, graded.log)
        else:
            log.unlink(missing_ok=True)
        store.write(result)
    return result
