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

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.inside import wire
from autograde.inside.align import align
from autograde.inside.examiner import Examiner, Limits, shown_by
from autograde.inside.handed_in import Unreadable, parse
from autograde.inside.job import Job, Reply, unpacked
from autograde.inside.lending import Lending
from autograde.inside.peer import Gone
from autograde.inside.replies import nothing_ran, result_of
from autograde.inside.shell import prepared, show_text_alone, take_over
from autograde.inside.student import enter_lab, seed_everything
from autograde.inside.walk import Walk

MAX_JOB = 256 * 2**20


def main(student: socket.socket, grader: socket.socket) -> None:
    """Take one job from the grading process, and send one reply."""
    job = Job.from_json(wire.receive(grader, MAX_JOB))
    wire.send(grader, reply(job, student).to_json())


def warm() -> None:
    """Do what takes time and is the same for all: a server calls this before it forks the first process."""
    shell = prepared()
    show_text_alone(shell)
    shell.run("None", 0)


def reply(job: Job, student: socket.socket) -> Reply:
    """Return what grading came to. A fault of our own becomes a reply as well, with the reason for the instructor."""
    release = nbformat.v4.reads(job.release)
    try:
        if job.refused:
            return nothing_ran(job, job.refused_as, job.refused)
        return _graded(job, release, student)
    except Unreadable as error:
        return nothing_ran(job, "unreadable", str(error))
    except Exception as error:  # the class goes on, and the instructor reads why
        what = f"{type(error).__name__}: {str(error)[:200]}"
        sentence = f"The grader failed on this notebook ({what}). It is not your fault."
        failed = nothing_ran(job, "grader_error", sentence)
        return replace(failed, log=traceback.format_exc()[-20_000:])


def _graded(job: Job, release: NotebookNode, student: socket.socket) -> Reply:
    began = time.process_time()
    cells = parse(unpacked(job.notebook))
    aligned = align(cells, release)
    by = _examiner(job, student)
    walked = Walk(aligned.notebook, release, job, by).run(job.files)
    result = result_of(job, aligned.notebook, release, walked)
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
    lending = Lending(job.made_by_the_tester)
    examiner = Examiner(student, shell, limits, lending.verbs, lending.codecs)
    lending.begin(examiner)
    return examiner


def _usage(by: Examiner) -> float:
    """Return the seconds of a processor that the student's process says it took: for a benchmark, and no more."""
    try:
        by.deadline = time.monotonic() + 1
        seconds = by.ask("usage").get("seconds")
    except Gone:
        return 0.0
    return seconds if type(seconds) is float else 0.0
