"""A function timed and profiled on a GPU: what one call takes, and the timeline of a few.

The time comes from CUDA events around many calls in a row, without a profiler. The timeline comes from torch.profiler,
which makes every launch slower: so both are kept, and how much longer a call took under the profiler is said.

Needs a GPU; the CPU twin has no times to give.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any, NamedTuple

from torch.profiler import ProfilerActivity, profile, supported_activities

from mini_lib.timing.trace_file import TraceFile, read_trace

NUM_WARMUPS = 5
NUM_TIMED = 30
NUM_PROFILED = 10
STRETCHED = 1.25
"""A call that takes this much longer under the profiler is said to: its launches look slower than they are."""


class LiveRun(NamedTuple):
    """A function on a GPU: median time of a call, the trace of a few calls, and the time of a call among those."""

    call_us: float
    trace: TraceFile
    profiled_us: float

    @property
    def note(self) -> str:
        """What a reader of the timeline must know."""
        said = f"Without the profiler a call takes {self.call_us:,.0f} µs (median of {NUM_TIMED}, CUDA events)"
        if self.profiled_us > STRETCHED * self.call_us:
            said += f", with it {self.profiled_us:,.0f} µs: it makes launches look slower than they are"
        return said + "."


def run_live(fn: Callable[..., object], inputs: tuple[Any, ...], device_module: ModuleType) -> LiveRun:
    """Warm `fn` up, time calls in a row, and profile a few."""
    for _ in range(NUM_WARMUPS):
        fn(*inputs)
    device_module.synchronize()
    call_us = median(_between_marks(fn, inputs, NUM_TIMED, device_module))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.json"
        with profile(activities=_activities()) as profiler:
            profiled = _between_marks(fn, inputs, NUM_PROFILED, device_module)
        profiler.export_chrome_trace(str(path))
        return LiveRun(call_us, read_trace(path), median(profiled))


def _activities() -> list[ProfilerActivity]:
    """Return what there is to watch: CPU and GPU, or the CPU alone where torch has no profiler for a GPU."""
    return [one for one in (ProfilerActivity.CPU, ProfilerActivity.CUDA) if one in supported_activities()]


def _between_marks(
    fn: Callable[..., object], inputs: tuple[Any, ...], num_calls: int, device_module: ModuleType
) -> list[float]:
    """Return the microseconds from each call to the next on the GPU. Nobody waits in between but `fn` itself."""
    marks = [device_module.Event(enable_timing=True) for _ in range(num_calls + 1)]
    marks[0].record()
    for mark in marks[1:]:
        fn(*inputs)
        mark.record()
    device_module.synchronize()
    return [1e3 * before.elapsed_time(after) for before, after in pairwise(marks)]
