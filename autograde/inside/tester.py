"""The tester: takes one job, grades one notebook with the help of a student's process, gives one reply.

It is trusted, and believes nothing that comes from the student's process. Points come from its own test cells alone:
from the value of their last expression, or from their ending without an error.
"""

from __future__ import annotations

import os
import socket
import time
import traceback
from dataclasses import fields, replace
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.inside import wire
from autograde.inside.align import align, grade_id
from autograde.inside.cells import cell_scores
from autograde.inside.examiner import Examiner, Limits, shown_by
from autograde.inside.handed_in import Unreadable, parse
from autograde.inside.job import Job, Reply
from autograde.inside.outputs import error_output
from autograde.inside.peer import Gone
from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.inside.shell import prepared, take_over
from autograde.inside.shown import without_addresses
from autograde.inside.student import enter_lab, seed_everything
from autograde.inside.verdicts import Exercise, exercises, judged, redacted
from autograde.inside.walk import Walk, Walked, is_test

MAX_JOB = 256 * 2**20
MAX_ANSWER = 8_000  # characters of one answer that a page shows


def main(student: socket.socket, grader: socket.socket) -> None:
    """Take one job from the grading process, and send one reply."""
    job = Job.from_json(wire.receive(grader, MAX_JOB))
    wire.send(grader, reply(job, student).to_json())


def reply(job: Job, student: socket.socket) -> Reply:
    """Return what grading came to. A fault of our own becomes a reply as well, with the reason for the instructor."""
    release = nbformat.v4.reads(job.release)
    try:
        if job.refused:
            return _nothing_ran(job, release, job.refused_as, job.refused)
        return _graded(job, release, student)
    except Unreadable as error:
        return _nothing_ran(job, release, "unreadable", str(error))
    except Exception as error:  # the class goes on, and the instructor reads why
        what = f"{type(error).__name__}: {str(error)[:200]}"
        sentence = f"The grader failed on this notebook ({what}). It is not your fault."
        failed = _nothing_ran(job, nbformat.v4.reads(job.release), "grader_error", sentence)
        return replace(failed, log=traceback.format_exc()[-20_000:])


def _graded(job: Job, release: NotebookNode, student: socket.socket) -> Reply:
    began = time.process_time()
    cells = parse(job.notebook.encode("latin-1"))
    aligned = align(cells, release)
    by = _examiner(job, student)
    walked = Walk(aligned.notebook, release, job.tests, by).run(job.files)
    result = _result(job, aligned.notebook, release, walked)
    usage = {"tester": time.process_time() - began, "student": _usage(by)}
    result = replace(result, notes=aligned.notes)
    return Reply(result, nbformat.v4.writes(aligned.notebook), "\n".join(walked.log), usage)


def _examiner(job: Job, student: socket.socket) -> Examiner:
    enter_lab(job.environment)
    seed_everything()
    os.environ["MPLBACKEND"] = "agg"
    limits = Limits(**{one.name: job.limits[one.name] for one in fields(Limits) if one.name in job.limits})
    shell = prepared()
    take_over(shell, shown_by(limits))
    return Examiner(student, shell, limits)


def _usage(by: Examiner) -> float:
    """Return the seconds of a processor that the student's process says it took: for a benchmark, and no more."""
    try:
        by.deadline = time.monotonic() + 1
        seconds = by.ask("usage").get("seconds")
    except Gone:
        return 0.0
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _nothing_ran(job: Job, release: NotebookNode, status: str, sentence: str) -> Reply:
    for cell in release.cells:
        if is_test(cell):
            cell.outputs = [error_output("NotRun", sentence)]
    result = _result(job, release, nbformat.v4.reads(job.release), Walked(status, sentence))
    return Reply(result, nbformat.v4.writes(release))


def _result(job: Job, graded: NotebookNode, release: NotebookNode, walked: Walked) -> SubmissionResult:
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
        told["frames"] = tuple(redacted(without_addresses(frame), _not_theirs(job, graded)) for frame in frames)
    return replace(found, **told)


def _not_theirs(job: Job, graded: NotebookNode) -> list[str]:
    """Return the hidden lines that the student did not write as well: those a student may not read."""
    mine = "\n".join(cell.source for cell in graded.cells if not is_test(cell))
    return [line for line in job.hidden if line not in mine]
