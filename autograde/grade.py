"""Grade a class: every submission through the pipeline, then into gradebook, results, feedback and grades.csv.

All of it lies in `autograde/out/<class>/`:

    gradebook.db                       nbgrader's, with the marks that people enter
    autograded/<student>/<lab>/        the notebook as it ran, for the formgrader; it holds hidden tests
    feedback/<student>/<lab>/          one HTML page to hand back
    results/<student>/<lab>/           results.json
    logs/<student>/<lab>.txt           where the grader itself failed
    grades.csv                         the class, with a column per exercise
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
from traitlets.config import Config

from autograde import gradebook
from autograde.course import CannotGrade, Course, Lab
from autograde.feedback import page
from autograde.gradebook import Mark
from autograde.inside.results import ExerciseResult, SubmissionResult, to_json, write_whole
from autograde.inside.verdicts import status_of
from autograde.pipeline import Bench, Graded, bench, preflight, run
from autograde.release import nbgrader_config
from autograde.report import grades_csv, load
from autograde.roster import labs_of, students


def grade(course: Course, folder: Path, labs: Iterable[Lab], at_once: int) -> Iterator[SubmissionResult]:
    """Grade all submissions of `labs` in a folder; yield each result once all it leaves is written.

    Raises:
        CannotGrade: the solution does not get all points here, or the gradebook cannot take the lab.
    """
    out = course.out(folder)
    for lab in labs:
        with bench(course, lab, course.seed(lab, folder)) as place:
            preflight(place)
            _open_gradebook(course, out, place)
            handed_in = {student: path / lab.name for student, path in students(folder).items()}
            _forget_others(out, lab, set(handed_in))
            config = nbgrader_config()
            for graded in run(place, handed_in, at_once):
                yield _keep(out, place, graded, config)
    write_whole(out / "grades.csv", grades_csv(load(out / "results")))


def chosen_labs(course: Course, folder: Path, named: str | None) -> list[Lab]:
    """Return the lab that was named, or all that the class handed in. Raises `CannotGrade` when there is none."""
    if not folder.is_dir():
        way_out = "It should hold <student>/<lab>/<lab>.ipynb. To see how it works: grade autograde/sample_class"
        raise CannotGrade(f"There is no folder {folder}. {way_out}.")
    labs = [course.lab(named)] if named else labs_of(folder, course.labs())
    if not labs or not students(folder):
        known = ", ".join(lab.name for lab in course.labs()) or "none"
        raise CannotGrade(f"{folder} holds no submission <student>/<lab>/<lab>.ipynb of a lab in solutions/ ({known}).")
    return labs


def count(folder: Path, labs: list[Lab]) -> int:
    """Return how many submissions `grade` will yield."""
    return len(students(folder)) * len(labs)


def _open_gradebook(course: Course, out: Path, place: Bench) -> None:
    gradebook.create(out / "gradebook.db", course.root / "autograde" / "out" / "blank_gradebook.db")
    gradebook.register(place.built.source, place.lab.name, out / "gradebook.db")


def _forget_others(out: Path, lab: Lab, students: set[str]) -> None:
    """Remove results and feedback of students who left the class; the gradebook keeps them, as nbgrader does."""
    for kind in ("results", "feedback"):
        for path in (out / kind).glob(f"*/{lab.name}"):
            if path.parent.name not in students:
                shutil.rmtree(path)


def _keep(out: Path, place: Bench, graded: Graded, config: Config) -> SubmissionResult:
    """Write down all that one submission leaves, the gradebook first: manual marks in it count."""
    student, lab = graded.result.student, place.lab.name
    marks = gradebook.record(graded.notebook, student, lab, out / "gradebook.db", config)
    result = with_marks(graded.result, place, marks)
    write_whole(out / "autograded" / student / lab / f"{lab}.ipynb", nbformat.writes(graded.notebook) + "\n")
    write_whole(out / "feedback" / student / lab / f"{lab}.html", page(result, graded.notebook, place.hidden))
    write_whole(out / "results" / student / lab / "results.json", to_json(result.stored()))
    if result.status == "grader_error":
        write_whole(out / "logs" / student / f"{lab}.txt", graded.log)
    return result


def with_marks(result: SubmissionResult, place: Bench, marks: dict[str, Mark]) -> SubmissionResult:
    """Return the result with the points that people gave in place of ours."""
    parts = {exercise.id: exercise.parts for exercise in place.exercises}
    graded = tuple(_with_marks(one, [marks[name] for name in parts[one.id]]) for one in result.exercises)
    return replace(result, exercises=graded, score=sum(one.score for one in graded))


def _with_marks(result: ExerciseResult, marks: list[Mark]) -> ExerciseResult:
    if all(mark.manual is None for mark in marks):
        return result
    score = sum(mark.score for mark in marks)
    said = " ".join(mark.comment for mark in marks if mark.comment) or "Graded by a person."
    return replace(result, score=score, status=status_of([], score, result.max_score), message=said)


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


def _difference(golden: dict[str, object], found: dict[str, object]) -> str:
    parts = [f"{name} is {found[name]!r}, golden is {golden[name]!r}" for name in golden if golden[name] != found[name]]
    return f"{golden['student']}: " + "; ".join(parts)
