"""Many submissions at once: one process each, forked from a server that has nbgrader loaded already.

Every process has a hard end, a little behind the limit that it sets itself; whatever it started is ended with it.
This is the seam for other ways to run a class: `run_all` takes jobs and hands back finished ones, in any order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from autograde import forkserver
from autograde.limits import end_all_marked
from autograde.run import Job, run_submission

GRACE_SECONDS = 30  # to start a kernel, to stop it, and to write down what happened


class Finished(NamedTuple):
    """A job whose process has ended, by itself or because it was overdue."""

    job: Job
    overdue: bool


class _Running(NamedTuple):
    job: Job
    process: Any
    overdue: float


def run_all(jobs: Iterable[Job], at_once: int) -> Iterator[Finished]:
    """Run each job in a process of its own, `at_once` side by side, and yield each when its process has ended."""
    context = forkserver.start()
    waiting, running = list(jobs)[::-1], dict[int, _Running]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                started = _start(context, waiting.pop())
                running[started.process.sentinel] = started
            for sentinel in _ended(running):
                yield _buried(running.pop(sentinel))
    finally:
        for left in running.values():
            _buried(left)


def _start(context: Any, job: Job) -> _Running:
    process = context.Process(target=run_submission, args=(job,), name=f"autograde {job.student}", daemon=True)
    process.start()
    return _Running(job, process, time.monotonic() + job.lab.limits.submission_seconds + GRACE_SECONDS)


def _ended(running: dict[int, _Running]) -> list[int]:
    """Wait for the next process to end or to be overdue; return the keys of those."""
    ended = wait(list(running), timeout=1)
    now = time.monotonic()
    return [key for key, one in running.items() if key in ended or now > one.overdue]


def _buried(one: _Running) -> Finished:
    """End the process, if it has not, and everything that it started."""
    overdue = one.process.is_alive()
    one.process.kill()
    one.process.join()
    one.process.close()
    end_all_marked(one.job.mark)
    return Finished(one.job, overdue)
