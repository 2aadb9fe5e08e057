"""The instructor's end of a cluster: hands out jobs, as many as are wanted there, and takes in what comes back.

Dask gives the jobs of a lost worker to another one. A job that was on several lost workers is tried once more with no
other beside it; if that costs a worker too, it is given up, and the class goes on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from autograde.cluster import task
from autograde.cluster.addresses import WAY_OUT, check_workers, checked
from autograde.cluster.sameness import differences, digest, fingerprint
from autograde.course import CannotGrade
from autograde.inside.job import Job, Reply
from autograde.pool import Finished

CONNECT_SECONDS = 15
FETCH_SECONDS = 30  # for an answer to come over from a worker
LOOK_SECONDS = 2.0  # between two looks at whether there are workers
PATIENCE = 60.0  # seconds without any worker, until the class is given up
AHEAD = 2  # jobs handed out per thread, so that no worker waits for us


@contextlib.contextmanager
def reached(address: str, unsafe: bool = False) -> Iterator[Cluster]:
    """Connect to a scheduler, and make sure that all of its workers may grade and do it as this machine would.

    Raises:
        CannotGrade: it cannot be reached, or may not be used; the message says what to do.
    """
    whole = checked(address)
    client = _connected(whole)
    try:
        yield _examined(client, whole, unsafe)
    finally:
        client.close(timeout=2)


def _connected(address: str) -> Any:
    try:
        from distributed import Client
        from distributed.security import Security
    except ModuleNotFoundError as error:
        raise CannotGrade(f"{error}. A cluster needs Dask: pip install -e '.[cluster]'") from None
    for name in ("distributed", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it says of lost connections, we say in a sentence
    if address.startswith("tls://") and Security().get_connection_args("client")["ssl_context"] is None:
        raise CannotGrade(f"{address}: Dask's configuration here has no certificates. {WAY_OUT}")
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CannotGrade(f"No Dask scheduler answers at {address} ({error}). Does it run there?") from error


def _examined(client: Any, address: str, unsafe: bool) -> Cluster:
    threads = client.nthreads()
    if not threads:
        raise CannotGrade(
            f"The scheduler at {address} has no worker. On each machine, from the repository's root: "
            f".venv/bin/python -m dask worker {address} --nthreads 2"
        )
    check_workers(threads)
    try:
        said = {worker: json.loads(text) for worker, text in client.run(task.about, unsafe).items()}
    except ImportError as error:
        way_out = "Start each worker from the repository's root with `.venv/bin/python -m dask worker`."
        raise CannotGrade(f"A worker cannot import the grader: {error}. {way_out}") from error
    for worker, about in sorted(said.items()):
        _check(worker, about)
    kinds = {about["isolation"] for about in said.values()}
    if len(kinds) != 1:
        raise CannotGrade("Some workers have a sandbox and some have none, so results would not be of one kind.")
    return Cluster(client, address, unsafe, kinds.pop())


def _check(worker: str, about: dict[str, Any]) -> None:
    if about["failed"]:
        raise CannotGrade(f"Worker {worker} cannot grade: {about['failed']}")
    unlike = differences(fingerprint(), about["fingerprint"])
    if unlike:
        way_out = "Bring it to the same commit and the versions of constraints.txt, and start it anew."
        raise CannotGrade(f"Worker {worker} would not grade as this machine does: {unlike}. {way_out}")


@dataclass(frozen=True)
class Cluster:
    """Workers that were examined. `isolation` is what all of them have."""

    client: Any
    address: str
    unsafe: bool
    isolation: str

    def run_all(self, jobs: Iterable[Job], at_once: int = 0) -> Iterator[Finished]:
        """Run each job on some worker, and yield each when it is done, in any order.

        How many run at once is for the workers to say: each has as many threads as it was started with.

        Raises:
            CannotGrade: scheduler or workers are gone for good, or one that came later is not like the others.
        """
        wave = _Wave(self)
        try:
            yield from wave.run(jobs)
        finally:
            wave.stop()

    def threads(self) -> int:
        """Return how many jobs the cluster can run at once just now."""
        return sum(self.client.nthreads().values())

    def submit(self, job: Job) -> Any:
        orders = json.dumps({"unsafe": self.unsafe, "digest": digest(), "isolation": self.isolation})
        # The key is drawn: by Dask's own, a hash, two students who hand in the same text would share one run.
        return self.client.submit(task.grade, orders, job.to_json(), key=f"grade-{uuid.uuid4().hex}", pure=False)


class _Wave:
    """One call of `run_all`: what is out, and what has to be tried again alone."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._out: dict[str, tuple[Any, Job]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._suspects: list[Job] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[Finished]:
        waiting = iter(jobs)
        yield from self._run(waiting, None)
        for suspect in self._suspects[:]:
            yield from self._run(iter([suspect]), suspect)

    def _run(self, waiting: Iterator[Job], alone: Job | None) -> Iterator[Finished]:
        more = True
        while more or self._out:
            room = max(1, AHEAD * self._cluster.threads())
            while more and len(self._out) < room:
                job = next(waiting, None)
                more = job is not None
                if job is not None:
                    self._hand_out(job)
            if self._out:
                future, job = self._out.pop(self._next())
                finished = self._read(future, job, alone is not None)
                if finished is not None:
                    yield finished

    def _hand_out(self, job: Job) -> None:
        future = self._cluster.submit(job)
        self._out[future.key] = (future, job)
        future.add_done_callback(lambda one: self._done.put(one.key))

    def _next(self) -> str:
        """Wait for the next job that is done. Raises CannotGrade where nobody is left to do it."""
        alone_for = 0.0
        while True:
            try:
                return self._done.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                alone_for = 0.0 if self._cluster.threads() else alone_for + LOOK_SECONDS
            if alone_for >= PATIENCE:
                raise CannotGrade(
                    f"No worker is left at {self._cluster.address}, for {PATIENCE:.0f} s now. What was graded is "
                    "kept: start workers and grade again."
                )

    def _read(self, future: Any, job: Job, alone: bool) -> Finished | None:
        """Return what became of a job, or None where it is not over: its worker died with the answer, or over it."""
        try:
            if future.status == "finished":
                return self._answer(json.loads(future.result(timeout=FETCH_SECONDS)), job)
        except (TimeoutError, CancelledError):
            pass  # the status tells
        if future.status == "cancelled":
            raise CannotGrade(
                f"{self._cluster.address} does not answer any more. What was graded is kept: grade again."
            )
        if future.status == "error":
            return self._failed(future.exception(), job, alone)
        self._hand_out(job)  # Dask runs it anew by itself, and never says so where the status is "lost"
        return None

    def _failed(self, error: Exception, job: Job, alone: bool) -> Finished | None:
        from distributed.scheduler import KilledWorker

        if not isinstance(error, KilledWorker):
            return Finished(job, None, f"a worker failed: {type(error).__name__}: {error}")
        if alone:
            return Finished(job, None, "every worker that had this notebook died, with it alone too")
        self._suspects.append(job)
        return None

    def _answer(self, said: dict[str, Any], job: Job) -> Finished:
        if "differs" in said:
            _check("that came later", said["differs"])
            raise CannotGrade("A worker that came later has another isolation than the others.")
        try:
            reply = None if said["reply"] is None else Reply.from_json(said["reply"])
        except (ValueError, KeyError, TypeError) as error:
            return Finished(job, None, f"the answer of a worker is no reply: {error}")
        return Finished(job, reply, said["why"])

    def stop(self) -> None:
        """Take back what is out: nobody waits for it any more."""
        self._cluster.client.cancel([future for future, _ in self._out.values()], force=True)
