"""From a walked notebook to the reply on it: what each exercise came to and what helps its author to understand it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.inside.align import grade_id, is_test
from autograde.inside.cells import cell_scores
from autograde.inside.job import Job, Reply
from autograde.inside.outputs import error_output
from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.inside.shown import without_addresses
from autograde.inside.verdicts import Exercise, exercises, judged, redacted

MAX_ANSWER = 8_000  # characters of one answer that a page shows


@dataclass
class Walked:
    """How far a walk came. `frames` and `misconceptions` are of single cells, by grade_id."""

    status: str = "graded"
    sentence: str = ""
    frames: dict[str, tuple[str, ...]] = field(default_factory=dict)
    misconceptions: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)


def nothing_ran(job: Job, status: str, sentence: str) -> Reply:
    """Return the reply on a notebook of which no test ran: every graded cell comes to 0."""
    release = nbformat.v4.reads(job.release)
    for cell in release.cells:
        if is_test(cell):
            cell.outputs = [error_output("NotRun", sentence)]
    result = result_of(job, release, nbformat.v4.reads(job.release), Walked(status, sentence))
    return Reply(result, nbformat.v4.writes(release))


def result_of(job: Job, graded: NotebookNode, release: NotebookNode, walked: Walked) -> SubmissionResult:
    """Return what a notebook came to whose cells hold what they showed."""
    asked = exercises(release)
    parts = tuple(_exercise(one, job, graded, release, walked) for one in asked)
    attempted = any(part.status != "not_attempted" for part in parts)
    return SubmissionResult(
        job.student,
        job.lab,
        "not_attempted" if walked.status == "graded" and not attempted else walked.status,
        sum(part.score for part in parts),
        sum(part.max_score for part in parts),
        parts,
        walked.sentence,
        isolation=job.isolation,
        cells=cell_scores(graded, asked),
    )


def _exercise(one: Exercise, job: Job, graded: NotebookNode, release: NotebookNode, walked: Walked) -> ExerciseResult:
    """Return the result of an exercise, with what helps its author to understand it."""
    found = judged(one, graded, release, job.hidden)
    answer = next((cell.source for cell in graded.cells if grade_id(cell) == one.answer), "")
    told: dict[str, Any] = {"answer": answer[:MAX_ANSWER], "message": without_addresses(found.message)}
    if found.status in ("wrong", "partial"):
        told["misconception"] = next((walked.misconceptions[p] for p in one.parts if p in walked.misconceptions), "")
        frames = next((walked.frames[part] for part in (one.answer, *one.parts) if part in walked.frames), ())
        secret = _not_theirs(job, graded) if frames else []  # once: it searches all that was written for each line
        told["frames"] = tuple(redacted(without_addresses(frame), secret) for frame in frames)
    return replace(found, **told)


def _not_theirs(job: Job, graded: NotebookNode) -> list[str]:
    """Return the hidden lines that the student did not write as well: those a student may not read."""
    mine = "\n".join(cell.source for cell in graded.cells if not is_test(cell))
    return [line for line in job.hidden if line not in mine]
