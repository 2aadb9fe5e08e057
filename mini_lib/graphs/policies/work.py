"""Device work as a value: a function that is known before the start, one launch of it, and what came of it.

Work that fails on a device fails long after the launch that ordered it. So a failure is kept as text, everything
launched after it is dropped, and whoever waits next is told; that is how CUDA reports errors, too.
"""

from __future__ import annotations

import pickle
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mini_lib.timing import GPU, Span

MAX_SPANS = 65_536  # of a run longer than this, the last ones are kept: memory stays flat


class DeviceWorkError(RuntimeError):
    """Launched work failed, or the worker that plays the GPU is gone. The message holds the traceback from there."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Device work that a policy knows: `fn` runs on the device, with the arguments of a launch."""

    index: int
    fn: Callable[..., object]

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self.fn, "__name__", type(self.fn).__name__)


class Launch(NamedTuple):
    """One order to the device. `name` is what its span is called."""

    kernel: Kernel
    args: tuple[Any, ...]
    name: str


class Outcome(NamedTuple):
    """When a launch ran, by `time.perf_counter_ns`, and the traceback of its failure: empty if there was none."""

    start_ns: int
    end_ns: int
    failure: str = ""


def nothing_to_wait_for() -> None:
    """Do nothing: a CPU has finished an op when the call returns."""


def carry_out(launch: Launch, wait: Callable[[], object] = nothing_to_wait_for) -> Outcome:
    """Run the launch here and now, `wait` until the device has really done it, and say what came of it."""
    start_ns, failure = time.perf_counter_ns(), ""
    try:
        with torch.no_grad():  # whatever mode the CPU is in when the device gets there
            launch.kernel.fn(*launch.args)
        wait()
    except (Exception, SystemExit):
        failure = in_words(launch.name, traceback.format_exc())
    return Outcome(start_ns, time.perf_counter_ns(), failure)


def in_words(name: str, trace: str) -> str:
    """Return the text of a failure: which launch, and its traceback."""
    return f"The device work {name!r} failed. What was launched after it did not run.\n\n{trace}"


class WorkLog:
    """What a device did so far: its spans, and the first failure, after which nothing counts any more."""

    def __init__(self) -> None:
        self.failure = ""
        self._spans: deque[Span] = deque(maxlen=MAX_SPANS)

    def note(self, name: str, outcome: Outcome) -> None:
        """Keep one outcome."""
        self._spans.append(Span(GPU, name, outcome.start_ns / 1e3, outcome.end_ns / 1e3))
        self.failure = self.failure or outcome.failure

    def check(self) -> None:
        """Raise `DeviceWorkError` if something failed, now and at each later call."""
        if self.failure:
            raise DeviceWorkError(self.failure)

    def spans(self) -> list[Span]:
        """Return what ran and when, in order, in microseconds of `time.perf_counter`."""
        return list(self._spans)


def packed(args: tuple[Any, ...]) -> bytes:
    """Return the arguments of a launch as bytes: copied, so that the caller may change his own right after.

    Raises:
        TypeError: an argument is a tensor, or cannot be copied like a plain value.
    """
    for position, arg in enumerate(args):
        if holds_tensor(arg):
            raise TypeError(
                f"Argument {position} of the launch holds a tensor. A launch carries plain values, copied. Let the "
                "kernel know its tensors from the start (a closure or a method), and write new values into a "
                "policy.host_tensor(...), which CPU and device both see."
            )
    try:
        return pickle.dumps(args)
    except Exception as error:
        raise TypeError(
            f"The arguments of a launch travel to the device as bytes, and pickle says: {error}. Pass plain values "
            "(numbers, strings, tuples, named tuples, dataclasses of them)."
        ) from error


def holds_tensor(value: Any) -> bool:
    """Tell whether `value`, or a tuple, list or dict in it, holds a tensor."""
    if isinstance(value, tuple | list):
        return any(holds_tensor(item) for item in value)
    if isinstance(value, dict):
        return any(holds_tensor(item) for item in value.values())
    return isinstance(value, Tensor)
