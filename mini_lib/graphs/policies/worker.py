"""The worker process that plays the GPU: a fork of this process that carries out launches, in order, one at a time.

A fork knows everything that its parent knew at that moment: kernels, captured graphs, weights, caches. From then on
this memory is the worker's own, as device memory is the GPU's; the parent's copy goes stale. Only host tensors are
shared. Orders go down one pipe and outcomes come up another. The parent learns of the worker's death by the end of the
pipe; the worker, which may be busy, also looks for its parent now and then. Neither waits for the dead.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

import torch

from mini_lib.graphs.policies.pipes import Inbox, Outbox
from mini_lib.graphs.policies.work import Kernel, Launch, Outcome, carry_out

PARENT_CHECK_S = 0.5  # how long a busy worker outlives its parent at most; an idle one sees the end of its pipe


class Worker:
    """A forked process, seen from its parent: `send` orders, read the `outcomes`, `stop` it."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        (order_in, order_out), (outcome_in, outcome_out) = os.pipe(), os.pipe()
        self.pid = _fork(partial(_serve, kernels, order_in, outcome_out), (order_out, outcome_in))
        os.close(order_in)
        os.close(outcome_out)
        self._orders, self._outcomes = Outbox(order_out, self._wait_for_room), Inbox(outcome_in)
        # Runs when this object is garbage, and at exit of the interpreter at the latest.
        self._finalizer = weakref.finalize(self, _end, self.pid, os.getpid(), (order_out, outcome_in))
        self._new: list[Outcome] = []

    def send(self, order: bytes) -> None:
        """Hand one order to the worker. While the pipe is full this waits, as a launch on a full CUDA queue does.

        Raises:
            BrokenPipeError: the worker is dead.
        """
        try:
            self._orders.send(order)
        except KeyboardInterrupt:
            self.stop()  # half an order may be in the pipe
            raise

    def outcomes(self, wait: bool = False) -> list[Outcome]:
        """Return what is done since the last call, in order; with `wait` at least one, unless the worker is dead."""
        self._collect()
        while wait and not self._new and self.is_alive:
            self._outcomes.wait()
            self._collect()
        new, self._new = self._new, []
        return new

    @property
    def is_alive(self) -> bool:
        """Whether an outcome may still come."""
        return self._finalizer.alive and not self._outcomes.ended

    def stop(self) -> None:
        """End the worker at once, whatever it does."""
        self._finalizer()

    def cause_of_death(self) -> str:
        """Say in words how a worker ended that is not alive any more."""
        status = self._finalizer()
        if status is None:
            return "it was stopped, or somebody else asked for its exit status first"
        if status >= 0:
            return f"it ended with exit status {status}"
        memory = " (the system does that when memory is short)" if -status == signal.SIGKILL else ""
        return f"it was killed by {signal.Signals(-status).name}{memory}"

    def _collect(self) -> None:
        if self.is_alive:
            self._new += [pickle.loads(message) for message in self._outcomes.messages()]

    def _wait_for_room(self, fd: int) -> None:
        select.select([self._outcomes.fd], [fd], [])
        self._collect()
        if not self.is_alive:
            raise BrokenPipeError


def _fork(serve: Callable[[], object], parents_ends: Sequence[int]) -> int:
    """Return the pid of a child that runs `serve` and then ends, without any of the parent's clean-up.

    `parents_ends` are those ends of the pipes that the child has no use for.
    """
    parent = os.getpid()
    sys.stdout.flush()  # or both processes would write what is buffered now
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork beside threads: another thread may hold a lock. The worker takes none of
        # theirs: it runs the kernels that were handed to it, and torch on one thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _be_the_worker(serve, parent, parents_ends)
    return pid


def _be_the_worker(serve: Callable[[], object], parent: int, parents_ends: Sequence[int]) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which then ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.freeze()  # what the parent made is the parent's to clean up
        for fd in parents_ends:
            os.close(fd)
        torch.set_num_threads(1)  # the pool of threads did not come along through the fork
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        serve()
        status = 0
    finally:
        os._exit(status)


def _end_with(parent: int) -> None:
    """End this process when `parent` has ended, in the middle of a kernel if need be."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _serve(kernels: Sequence[Kernel], order_in: int, outcome_out: int) -> None:
    """Carry out orders until the parent's end of the pipe is closed."""
    inbox, outbox = Inbox(order_in), Outbox(outcome_out, lambda fd: select.select([], [fd], []))
    failed = False
    while not inbox.ended:
        inbox.wait()
        for order in inbox.messages():
            outcome = Outcome(0, 0) if failed else _obey(kernels, order)
            failed = failed or bool(outcome.failure)
            sys.stdout.flush()
            outbox.send(pickle.dumps(tuple(outcome)))


def _obey(kernels: Sequence[Kernel], order: bytes) -> Outcome:
    try:
        index, name, packed_args = pickle.loads(order)
        args = pickle.loads(packed_args)
    except Exception:  # a class that was defined after the fork
        return Outcome(0, 0, f"The worker cannot read the arguments of a launch:\n\n{traceback.format_exc()}")
    return carry_out(Launch(kernels[index], args, name))


def _end(pid: int, parent: int, fds: Sequence[int]) -> int | None:
    """Kill the worker if it lives, and return its exit status, negative for a signal; None if it cannot be had."""
    if os.getpid() != parent:
        return None  # we are another fork of its parent: it is not ours to end
    for fd in fds:
        os.close(fd)
    try:
        os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except (ProcessLookupError, ChildProcessError):
        return None
