"""Tasks that stand in for grading where a test is about Dask: a worker imports them from here."""

from __future__ import annotations

import json
import os
import signal

from autograde.inside.job import Job, Reply
from autograde.inside.results import SubmissionResult

BAD = "bad"


def about(unsafe: bool) -> str:
    from autograde.cluster.sameness import fingerprint

    return json.dumps({"isolation": "sandbox", "failed": "", "fingerprint": dict(fingerprint())})


def grade(orders: str, job: str) -> str:
    """Give everybody a point; whoever is bad takes the worker along."""
    student = Job.from_json(job).student
    if student == BAD:
        os.kill(os.getpid(), signal.SIGKILL)
    result = SubmissionResult(student, "toy", "graded", 1, 1, ())
    return json.dumps({"reply": Reply(result).to_json(), "why": ""})
