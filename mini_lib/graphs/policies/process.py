"""A device that really works at the same time: a forked worker process plays the GPU.

The CPU's program and the device's work run on two cores, so that overlap can be measured and not only drawn. (A thread
could not do it: Python lets one thread run at a time, and a decode step is hundreds of small ops.) The worker carries
out launches in the order in which they were launched, whatever their streams, so every wait of a stream for an event is
kept for free: `lazy` is the device that shows a missing one. A launch costs about 10 microseconds, a wait about 25.

Linux and macOS. Refused once CUDA has started in this process, since CUDA does not survive a fork. The worker computes
on one thread: compare bits with `torch.set_num_threads(1)`.
"""

from __future__ import annotations

import math
import os
import pickle
import sys
from collections import deque
from collections.abc import Sequence
from tempfile import NamedTemporaryFile

import torch
from torch import Tensor

from mini_lib.graphs.policies.work import Kernel, Launch, Outcome, WorkLog, packed
from mini_lib.graphs.policies.worker import Worker
from mini_lib.timing import Span

OUTCOMES_PER_LOOK = 64  # look into the pipe every so many launches, lest it fill up and the worker wait for us


class Queue:
    """A stream: how many launches of the whole device must be done before it is empty."""

    def __init__(self) -> None:
        self.tail = 0


class ProcessDevice:
    """Hands launches to a worker, and counts what comes back. A mark is a number of finished launches."""

    def __init__(self) -> None:
        check_can_fork()
        self._log = WorkLog()
        self._names: deque[str] = deque()  # launched and not yet done
        self._num_launched = self._num_done = 0
        self._worker: Worker | None = None

    def start(self, kernels: Sequence[Kernel]) -> None:
        """Fork now: what exists now is what the worker has."""
        check_can_fork()  # CUDA may have started in between
        self._worker = Worker(tuple(kernels))

    def new_stream(self, name: str) -> Queue:
        """Return an empty queue."""
        return Queue()

    def launch(self, stream: Queue, launch: Launch) -> None:
        """Send the order down the pipe."""
        order = _order(launch)
        if self._log.failure:
            return
        try:
            self._running().send(order)
        except BrokenPipeError:
            while not self._log.failure:  # it told of all that it did, and then its end of the pipe closed
                self._note(self._running().outcomes(wait=True))
            return
        self._names.append(launch.name)
        self._num_launched += 1
        stream.tail = self._num_launched
        if self._num_launched % OUTCOMES_PER_LOOK == 0:
            self._note(self._running().outcomes())

    def mark(self, stream: Queue) -> int:
        """Return how many launches must be done."""
        return stream.tail

    def wait(self, stream: Queue, mark: int) -> None:
        """Launches are carried out in order, so only the stream's own end may move."""
        stream.tail = max(stream.tail, mark)

    def synchronize(self, mark: int) -> None:
        """Read outcomes until enough are there, or the worker is dead."""
        while self._num_done < mark and not self._log.failure:
            self._note(self._running().outcomes(wait=True))
        self._log.check()

    def query(self, mark: int) -> bool:
        """Read the outcomes that are there."""
        self._note(self._running().outcomes())
        self._log.check()
        return self._num_done >= mark

    def drain(self) -> None:
        """Wait for the last launch of all."""
        self.synchronize(self._num_launched)

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Memory that stays shared through the fork."""
        count = math.prod(shape)
        if count == 0:
            return torch.zeros(tuple(shape), dtype=dtype)
        with NamedTemporaryFile() as file:  # a sandbox refuses shared memory that is no file
            return torch.from_file(file.name, shared=True, size=count, dtype=dtype).view(tuple(shape))

    def spans(self) -> list[Span]:
        """Measured by the worker, on the clock that all processes share."""
        if self._worker is not None:
            self._note(self._worker.outcomes())
        return self._log.spans()

    def close(self) -> None:
        """End the worker at once; what it has told so far is kept."""
        if self._worker is not None:
            self._note(self._worker.outcomes())
            self._worker.stop()
            self._worker = None

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._num_done += 1
            name = self._names.popleft()
            if not self._log.failure:
                self._log.note(name, Outcome(*outcome))
        if not self._running().is_alive:
            self._note_death()

    def _note_death(self) -> None:
        if not self._log.failure:
            self._log.failure = (
                f"The worker that plays the GPU is gone: {self._running().cause_of_death()}, after {self._num_done} of "
                f"{self._num_launched} launches. What it held is lost: close this policy and make a new one."
            )

    def _running(self) -> Worker:
        assert self._worker is not None
        return self._worker


def _order(launch: Launch) -> bytes:
    return pickle.dumps((launch.kernel.index, launch.name, packed(launch.args)))


def check_can_fork() -> None:
    """Raise where a worker cannot be forked, and say what to use instead."""
    if not hasattr(os, "fork") or sys.platform in ("emscripten", "wasi"):
        raise RuntimeError(
            f"The 'process' policy forks a worker, and {sys.platform} cannot fork. Use 'lazy' or 'inline': the results "
            "are the same, only nothing overlaps. (On Windows, WSL can fork.)"
        )
    if torch.cuda.is_initialized():
        raise RuntimeError(
            "The 'process' policy forks a worker, and CUDA, which has started in this process, does not survive a "
            "fork. Use 'cuda': the GPU overlaps by itself. Or begin a new Python process and let nothing touch "
            "torch.cuda before the worker starts."
        )
