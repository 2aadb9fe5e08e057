"""`python -m tests.autograde.quick_grade grade ...`: the command line, with hands that run nothing.

For tests of what is kept of a class, which does not depend on who runs the notebooks: every answer gets a score drawn
from its text, the same at each run, in some milliseconds and without a sandbox.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator

import nbformat

from autograde import running
from autograde.cli import main
from autograde.inside.align import align, grade_id, is_test
from autograde.inside.handed_in import Unreadable, parse
from autograde.inside.job import Job, Reply, unpacked
from autograde.inside.outputs import error_output
from autograde.inside.replies import Walked, nothing_ran, result_of
from autograde.pool import Finished

SECONDS = float(os.environ.get("QUICK_SECONDS", "0"))  # that a submission takes


class QuickHands:
    """Grades by the digest of an answer. The solution of the toy gets all points."""

    isolation = "sandbox"

    def run_all(self, jobs: Iterable[Job], at_once: int) -> Iterator[Finished]:
        for job in jobs:
            time.sleep(SECONDS)
            yield Finished(job, reply(job))


def reply(job: Job) -> Reply:
    if job.refused:
        return nothing_ran(job, job.refused_as, job.refused)
    try:
        cells = parse(unpacked(job.notebook))
    except Unreadable as error:
        return nothing_ran(job, "unreadable", str(error))
    release = nbformat.reads(job.release, as_version=4)
    graded = align(cells, release).notebook
    answers = {grade_id(cell): cell.source for cell in graded.cells}
    for cell in graded.cells:
        answer = answers.get(grade_id(cell).removeprefix("test_"), "")
        if is_test(cell) and job.student != "solution" and hashlib.sha256(answer.encode()).digest()[0] % 2:
            cell.outputs = [error_output("WrongAnswer", f"{len(answer)} signs are the wrong number.")]
    return Reply(result_of(job, graded, release, Walked()), nbformat.writes(graded) + "\n")


@contextlib.contextmanager
def quick_hands(course: object, how: object) -> Iterator[QuickHands]:
    yield QuickHands()


if __name__ == "__main__":
    running.hands, running.preflight = quick_hands, lambda place, at_once: None
    raise SystemExit(main())
