"""From a lab and folders of submissions to results. `grade` and `check` both stand on this, so both mean the same.

Nothing is kept here: no gradebook, no feedback. What a student wrote is read as bytes and handed on: only a tester, in
its sandbox, takes it for a notebook.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import nbformat

from autograde.course import CannotGrade, Course, Lab
from autograde.ingest import Missing, read_submission
from autograde.inside.align import grade_id, is_locked, is_test
from autograde.inside.handed_in import Unreadable
from autograde.inside.job import Job, packed
from autograde.inside.replies import nothing_ran
from autograde.inside.results import STATUSES, SubmissionResult
from autograde.inside.verdicts import Exercise, exercises
from autograde.pool import Finished, Hands
from autograde.release import HIDDEN, Built, released, secret_lines


@dataclass(frozen=True)
class Bench:
    """One lab, made ready to grade against: its two notebooks, its exercises, a scratch folder, and who runs jobs."""

    lab: Lab
    built: Built
    exercises: tuple[Exercise, ...]
    scratch: Path
    hands: Hands
    template: Job  # a job without a submission
    blank: SubmissionResult  # of a notebook of which nothing ran

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for exercise in self.exercises)


@dataclass(frozen=True)
class Graded:
    """A result, and the notebook as it ran, as text: that holds hidden tests, so it is for the instructor alone."""

    result: SubmissionResult
    notebook: str
    log: str = ""
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)


@contextlib.contextmanager
def bench(course: Course, lab: Lab, seed: int, hands: Hands) -> Iterator[Bench]:
    """Build a lab and hand out a place to grade it in."""
    with tempfile.TemporaryDirectory(prefix="autograde-") as scratch:
        built = released(lab, seed, course.root / "pyproject.toml")
        template = _template(lab, built, hands.isolation)
        blank = nothing_ran(template, "missing", "").result
        yield Bench(lab, built, tuple(exercises(built.source)), Path(scratch), hands, template, blank)


def _template(lab: Lab, built: Built, isolation: str) -> Job:
    return Job(
        student="",
        lab=lab.name,
        notebook="",
        release=nbformat.writes(built.release),
        tests={grade_id(cell): cell.source for cell in built.source.cells if is_test(cell) or is_locked(cell)},
        hidden=secret_lines(built.source, HIDDEN),
        limits=asdict(lab.limits),
        environment=dict(lab.environment),
        mode=lab.mode,
        made_by_the_tester=list(lab.made_by_the_tester),
        isolation=isolation,
    )


def run(place: Bench, submissions: Mapping[str, Path], at_once: int) -> Iterator[Graded]:
    """Grade the folder of each student, `at_once` side by side; yield them as they are done."""
    jobs = (_job(place, student, folder) for student, folder in submissions.items())
    for finished in place.hands.run_all(jobs, at_once):
        yield _read(finished, place.blank)


def _job(place: Bench, student: str, folder: Path) -> Job:
    mine = replace(place.template, student=student)
    try:
        handed_in = read_submission(folder, place.lab)
    except Missing as error:
        return replace(mine, refused=str(error), refused_as="missing")
    except Unreadable as error:
        return replace(mine, refused=str(error), refused_as="unreadable")
    files = {name: packed(content) for name, content in handed_in.files.items()}
    return replace(mine, notebook=packed(handed_in.notebook), files=files)


def _read(finished: Finished, blank: SubmissionResult) -> Graded:
    """Return what came of a job. Where nothing came, every test counts as not run, and the log says why."""
    job, reply, why = finished
    if reply is not None and not _is_of_this_lab(reply.result, blank):
        reply, why = None, "the tester answered with other exercises or points than the lab has"
    if reply is None:
        sentence = f"The grader has no result of this notebook: {why.split(chr(10))[0]}. It is not your fault."
        lost = nothing_ran(job, "grader_error", sentence)
        return Graded(lost.result, lost.notebook, why)
    result = replace(reply.result, student=job.student, lab=job.lab, isolation=job.isolation)
    if why and result.status in ("kernel_died", "timed_out"):
        result = replace(result, sentence=f"{result.sentence} It was stopped because {why}.")
    return Graded(result, reply.notebook, reply.log, reply.cpu_seconds)


def _is_of_this_lab(result: SubmissionResult, blank: SubmissionResult) -> bool:
    """Tell whether a result asks for what the lab asks for: views and gradebook are made from it as it stands."""
    added_up = result.score == sum(part.score for part in result.exercises)
    return result.status in STATUSES and added_up and _asked(result) == _asked(blank)


def _asked(result: SubmissionResult) -> tuple[object, ...]:
    parts = [(part.id, part.title, part.max_score) for part in result.exercises]
    cells = [(cell.name, cell.exercise, cell.graded, cell.answer, cell.max_score) for cell in result.cells]
    return result.max_score, parts, cells


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


def try_solution(place: Bench) -> SubmissionResult:
    """Grade the course's own solution, and return its result.

    Raises:
        CannotGrade: it does not get all points here, so no student could; most often an import fails in the sandbox.
    """
    folder = hand_in(place, "solution-alone", solution(place))
    found = next(run(place, {"solution": folder}, 1))
    result = found.result
    automatic = [part for part in result.exercises if part.status != "needs_grader"]
    failed = [part for part in automatic if part.status != "right"]
    if failed or result.status != "graded":
        why = "; ".join(f"{part.id}: {part.message}" for part in failed) or result.sentence
        points = f"{result.score:g} of {sum(part.max_score for part in automatic):g}"
        way_out = f"Is the course's library installed for {sys.executable}? Nobody was graded."
        raise CannotGrade(f"{place.lab.name}: even the solution gets only {points} points here ({why}). {way_out}")
    return result
