"""From a lab and folders of submissions to results. `grade` and `check` both stand on this, so both mean the same.

Nothing is kept here: no gradebook, no feedback. A run works in a scratch folder that goes when it is done.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde import gradebook
from autograde.course import CannotGrade, Course, Lab
from autograde.inside.align import grade_id
from autograde.inside.cells import cell_scores
from autograde.inside.results import SubmissionResult
from autograde.inside.verdicts import Exercise, exercises, judged
from autograde.pool import Finished, run_all
from autograde.release import HIDDEN, Built, released, secret_lines
from autograde.run import Job, Outcome, read_outcome, without_runs

LOG_END = 20_000  # characters of a process's log: for the instructor, when the grader failed


@dataclass(frozen=True)
class Bench:
    """One lab, made ready to grade against: its two notebooks, its exercises and a scratch folder."""

    lab: Lab
    built: Built
    exercises: tuple[Exercise, ...]
    hidden: tuple[str, ...]  # lines of hidden tests, which no student may read
    scratch: Path

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for exercise in self.exercises)


@dataclass(frozen=True)
class Graded:
    """A result, and the notebook it was read from: that holds hidden tests, so it is for the instructor alone."""

    result: SubmissionResult
    notebook: NotebookNode
    log: str = ""


@contextlib.contextmanager
def bench(course: Course, lab: Lab, seed: int) -> Iterator[Bench]:
    """Build a lab and hand out a place to grade it in."""
    with tempfile.TemporaryDirectory(prefix="autograde-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        (scratch / "fonts").mkdir()
        gradebook.create(scratch / "cells.db", course.root / "autograde" / "out" / "blank_gradebook.db")
        built = released(lab, seed, course.root / "pyproject.toml", gradebook.url(scratch / "cells.db"))
        nbformat.write(built.release, scratch / "release.ipynb")
        hidden = tuple(secret_lines(built.source, HIDDEN))
        yield Bench(lab, built, tuple(exercises(built.source)), hidden, scratch)


def run(place: Bench, submissions: Mapping[str, Path], at_once: int) -> Iterator[Graded]:
    """Grade the folder of each student, `at_once` side by side; yield them as they are done."""
    jobs = [_job(place, student, folder) for student, folder in submissions.items()]
    for finished in run_all(jobs, at_once):
        yield _read(place, finished)


def _job(place: Bench, student: str, folder: Path) -> Job:
    workspace = Path(tempfile.mkdtemp(dir=place.scratch, prefix="job-"))
    cells_db = gradebook.url(place.scratch / "cells.db")
    release, fonts = place.scratch / "release.ipynb", place.scratch / "fonts"
    return Job(student, place.lab, folder, workspace, release, cells_db, fonts, secrets.token_hex(8))


def _read(place: Bench, finished: Finished) -> Graded:
    """Return what a process left; where it left nothing that can be read, every test counts as not run."""
    job = finished.job
    log = job.workspace / "log.txt"
    said = log.read_text(encoding="utf-8", errors="replace")[-LOG_END:] if log.exists() else ""
    outcome = read_outcome(job.workspace)
    try:
        if outcome is not None:
            notebook = nbformat.read(job.workspace / "graded.ipynb", as_version=4)
            return Graded(result(place, job.student, outcome, notebook), notebook, said)
        outcome = _no_outcome(finished.overdue)
    except Exception as error:  # whatever a student's outputs do to us: one student never stops the class
        outcome = Outcome(
            "grader_error", f"The grader failed on your results, not you: {type(error).__name__}: {error}"
        )
    notebook = without_runs(nbformat.read(job.release, as_version=4), outcome.sentence)
    return Graded(result(place, job.student, outcome, notebook), notebook, said)


def _no_outcome(overdue: bool) -> Outcome:
    if overdue:
        return Outcome("timed_out", "Your notebook did not stop at its time limit and was ended.")
    return Outcome("kernel_died", "What ran your notebook ended without a result, most often out of memory.")


def result(place: Bench, student: str, outcome: Outcome, notebook: NotebookNode) -> SubmissionResult:
    """Return what a graded notebook came to."""
    parts = tuple(judged(exercise, notebook, place.built.release, place.hidden) for exercise in place.exercises)
    status = outcome.ended
    if status == "graded" and all(part.status == "not_attempted" for part in parts):
        status = "not_attempted"
    score = sum(part.score for part in parts)
    cells = cell_scores(notebook, place.exercises)
    return SubmissionResult(
        student, place.lab.name, status, score, place.max_score, parts, outcome.sentence, outcome.notes, cells=cells
    )


def hand_in(place: Bench, name: str, answers: Mapping[str, str]) -> Path:
    """Write a submission in which some cells hold other text, as a student would have, and return its folder."""
    notebook = nbformat.from_dict(place.built.release)
    for cell in notebook.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    folder = place.scratch / "handed_in" / name / place.lab.name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{place.lab.name}.ipynb")
    return folder


def solution(place: Bench) -> dict[str, str]:
    """Return the course's own answers, by grade_id."""
    return {
        grade_id(cell): cell.source
        for cell in place.built.source.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def preflight(place: Bench) -> SubmissionResult:
    """Grade the course's own solution, and return its result.

    Raises:
        CannotGrade: it does not get all points here, so no student could; most often an import fails in the kernel.
    """
    folder = hand_in(place, "solution", solution(place))
    found = next(run(place, {"solution": folder}, 1)).result
    automatic = [part for part in found.exercises if part.status != "needs_grader"]
    failed = [part for part in automatic if part.status != "right"]
    if failed or found.status != "graded":
        why = "; ".join(f"{part.id}: {part.message}" for part in failed) or found.sentence
        points = f"{found.score:g} of {sum(part.max_score for part in automatic):g}"
        way_out = f"Is the course's library installed for {sys.executable}? Nobody was graded."
        raise CannotGrade(f"{place.lab.name}: even the solution gets only {points} points here ({why}). {way_out}")
    return found
