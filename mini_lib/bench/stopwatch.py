"""Time per call of several contestants, measured in turns.

A block is a few calls in a row, timed as a whole: on a GPU with a pair of CUDA events, so that calls may queue up as
they do in serving; on a CPU with the wall clock. Contestants take turns block by block, and the median over blocks is
what counts. One warm-up block each is thrown away.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from types import ModuleType

from mini_lib.bench.provenance import on_gpu
from mini_lib.graphs.progress import progress_bar

CALLS_PER_BLOCK = 10


def median_us(
    contestants: Mapping[str, Callable[[], object]], iterations: int, device_module: ModuleType, progress: bool = True
) -> dict[str, float]:
    """Return the median time of one call in microseconds, by contestant, over about `iterations` calls of each."""
    time_block = _gpu_block_us if on_gpu(device_module) else _cpu_block_us
    calls = min(iterations, CALLS_PER_BLOCK)
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for call in contestants.values():
        time_block(call, calls, device_module)
    for _ in progress_bar(range(-(-iterations // calls)), "Measuring", wanted=progress):
        for name, call in contestants.items():
            samples[name].append(time_block(call, calls, device_module) / calls)
    return {name: statistics.median(times) for name, times in samples.items()}


def once_ms(call: Callable[[], object], device_module: ModuleType) -> float:
    """Return how long one call takes until the device has finished, in milliseconds of wall clock."""
    device_module.synchronize()
    start = time.perf_counter()
    call()
    device_module.synchronize()
    return (time.perf_counter() - start) * 1e3


def _gpu_block_us(call: Callable[[], object], calls: int, device_module: ModuleType) -> float:
    start, end = device_module.Event(enable_timing=True), device_module.Event(enable_timing=True)
    device_module.synchronize()
    start.record()
    for _ in range(calls):
        call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * 1e3


def _cpu_block_us(call: Callable[[], object], calls: int, device_module: ModuleType) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) * 1e6
