"""Many submissions at once: a pair of processes for each, forked from servers that have loaded everything already.

The grading process keeps time and lets the servers add up memory; it reads nothing that a student wrote. A pair that
is overdue is ended with all that it started, and its submission gets a result that says so: one student never stops
the class. This is the seam for other ways to run a class: `run_all` takes jobs and hands back finished ones, in any
order.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol

from autograde.course import Limits
from autograde.inside import wire
from autograde.inside.job import Job, Reply
from autograde.sandbox.machine import probe
from autograde.sandbox.pair import Pair
from autograde.sandbox.servers import NONE, SANDBOX, Servers

GRACE_SECONDS = 15  # to start two processes, and to write down what happened
TICK_SECONDS = 0.1  # between two looks at the memory of a pair
MMAP_THRESHOLD = -3  # mallopt's name for it: blocks from this size on are the system's again as soon as they are freed
REPLY_BYTES = 64_000_000  # a notebook with its outputs; more is no reply


class Finished(NamedTuple):
    """A job that is done: the tester's reply, or None and why. A reply with a `why` had a limit broken meanwhile."""

    job: Job
    reply: Reply | None
    why: str = ""


class Hands(Protocol):
    """Whoever runs jobs: this machine, or a cluster. `isolation` is what holds the students' code there."""

    @property
    def isolation(self) -> str: ...

    def run_all(self, jobs: Iterable[Job], at_once: int) -> Iterator[Finished]: ...


class Pool:
    """This machine's hands. The servers start with the first job, since most calls of `grade` have none."""

    def __init__(self, course_root: Path, *, unsafe: bool = False) -> None:
        self._root, self._unsafe = course_root, unsafe
        self._crew: Servers | None = None

    @property
    def isolation(self) -> str:
        return NONE if self._unsafe else SANDBOX

    def run_all(self, jobs: Iterable[Job], at_once: int) -> Iterator[Finished]:
        """Run each job in a pair of processes of its own, `at_once` side by side, in any order."""
        if self._crew is None:
            _give_back_large_blocks()
            self._crew = Servers(probe(), self._root, unsafe=self._unsafe)
        return run_all(self._crew, jobs, at_once)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._crew is not None:
            self._crew.close()


def _give_back_large_blocks() -> None:
    """Have glibc keep nothing of what large notebooks took: a row of eight, 19 MB each, left 443 MB and not 293."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, 2**20)


def run_all(crew: Servers, jobs: Iterable[Job], at_once: int) -> Iterator[Finished]:
    """Grade each job in a pair of processes of its own, `at_once` side by side, and yield each when it is done.

    A job is taken from `jobs` only when there is room for it, so that a class need not fit into memory.
    """
    stop, waiting = threading.Event(), iter(jobs)
    with ThreadPoolExecutor(at_once, thread_name_prefix="autograde") as threads:
        try:
            running = {threads.submit(grade_one, crew, job, stop) for job in islice(waiting, at_once)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {threads.submit(grade_one, crew, job, stop) for job in islice(waiting, len(done))}
                yield from (one.result() for one in done)
        finally:
            stop.set()


def grade_one(crew: Servers, job: Job, stop: threading.Event) -> Finished:
    """Grade one job in a pair of processes, which are gone when this returns."""
    limits = Limits(**job.limits)
    pair = crew.start(limits, job.environment)
    try:
        wire.send(pair.grader, job.to_json(), deadline=time.monotonic() + GRACE_SECONDS)
        broken = _kept_watch(pair, limits, stop)
        text = wire.receive(pair.grader, REPLY_BYTES, deadline=time.monotonic() + GRACE_SECONDS)
        return Finished(job, Reply.from_json(text), broken)
    except _NoReply as error:
        return Finished(job, None, str(error))
    except (OSError, ValueError, TypeError, KeyError, wire.WireError) as error:  # what came is no reply
        return Finished(job, None, f"the tester gave no result ({type(error).__name__}: {error}). {pair.log}")
    finally:
        pair.end()


def _kept_watch(pair: Pair, limits: Limits, stop: threading.Event) -> str:
    """Wait until the tester answers; return the limit that was broken meanwhile, or an empty string."""
    broken, overdue = "", time.monotonic() + limits.submission_seconds + GRACE_SECONDS
    while not select.select([pair.grader], [], [], TICK_SECONDS)[0]:
        broken = broken or pair.poll()
        if stop.is_set():
            raise _NoReply("grading was stopped")
        if time.monotonic() > overdue:
            raise _NoReply(f"it took longer than {limits.submission_seconds} s, although its cells were bounded")
    return broken


class _NoReply(Exception):
    """There will be no reply; the text says why."""
