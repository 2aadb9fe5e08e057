"""Grade one submission again though nothing changed, and keep in its result who asked for it, in words, and what moved.

With an exercise named, that exercise alone is replaced, and the rest of the result stays as it was. Such a result keeps
its old key: if the lab has changed since, the next `grade` runs the whole submission, as it does for everyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autograde.course import CannotGrade, Course, Lab
from autograde.inside.results import ExerciseResult, Regrade, SubmissionResult
from autograde.plan import How, LabPlan, Planned, again, source_of
from autograde.store import Store
from autograde.views import write_csv, write_views


def regrade(course: Course, folder: Path, lab: Lab, student: str, exercise: str, note: str, how: How) -> Regrade:
    """Run one submission again, store what comes out, and return what changed. `exercise` is "" for all of it.

    Raises:
        CannotGrade: there is no such student, result or exercise.
    """
    store = Store(course.out(folder))
    planned = again(course, folder, lab, student, store, how.unsafe)
    if exercise:
        _exercise(planned.before, exercise)

    def settle(plan: Planned, result: SubmissionResult) -> SubmissionResult:
        return merged(plan, result, exercise, note)

    from autograde.running import hands, run_lab  # loads nbgrader

    with hands(course, how) as crew:
        alone = LabPlan(lab, (planned,), source_of(planned.key))
        (result,) = run_lab(course, folder, alone, how, crew, settle)
    write_views(store, lab.name, how.database)
    write_csv(store, how.database)
    return result.history[-1]


def merged(plan: Planned, result: SubmissionResult, exercise: str, note: str) -> SubmissionResult:
    """Return the result to store: the new one, or the old one with one exercise of the new; with its history."""
    before = plan.before
    assert before is not None
    key = str(plan.key._replace(isolation=result.isolation))
    made = _with_exercise(before, result, exercise) if exercise else replace(result, key=key)
    old, new = (_exercise(one, exercise).score if exercise else one.score for one in (before, made))
    return replace(made, history=(*before.history, Regrade(note, exercise, old, new)))


def _with_exercise(before: SubmissionResult, result: SubmissionResult, name: str) -> SubmissionResult:
    new = _exercise(result, name)
    parts = tuple(new if one.id == name else one for one in before.exercises)
    fresh = {cell.name: cell for cell in result.cells if cell.exercise == name}
    cells = tuple(fresh.get(cell.name, cell) for cell in before.cells)
    return replace(before, exercises=parts, cells=cells, score=sum(one.score for one in parts))


def _exercise(result: SubmissionResult | None, name: str) -> ExerciseResult:
    known: Sequence[ExerciseResult] = result.exercises if result else ()
    found = [one for one in known if one.id == name]
    if not found:
        raise CannotGrade(f"There is no exercise {name!r}. The exercises: {', '.join(one.id for one in known)}.")
    return found[0]
