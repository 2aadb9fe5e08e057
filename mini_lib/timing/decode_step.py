"""One decode step, twice: every kernel launched by itself, and all of them by one graph.

This is the course's first picture. The kernels are the same in both; only the launching differs. Its times come from
the launch queue with assumed costs, not from a GPU.

>>> eager, graph = decode_step(num_kernels=40, kernel_us=3.0)
>>> [round(step.busy_us("GPU"), 3) for step in (eager, graph)]
[120.0, 120.0]
>>> [round(step.duration_us, 3) for step in (eager, graph)]
[330.0, 176.84]
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import NamedTuple

from mini_lib.timing.costs import ASSUMED, LaunchCosts
from mini_lib.timing.launch_queue import Kernel, LaunchQueue
from mini_lib.timing.timeline import Timeline

LAYER = ("norm", "qkv", "rope", "store kv", "attention", "out proj", "add norm", "gate up", "silu mul", "down proj")
"""The kernels of one decoder layer when neighbouring element-wise operations are fused: 10 launches."""


class DecodeStep(NamedTuple):
    """The same kernels, launched in two ways."""

    eager: Timeline
    graph: Timeline


def decode_step(
    num_kernels: int = 40, kernel_us: float = 3.0, *, prepare_us: float = 20.0, costs: LaunchCosts = ASSUMED
) -> DecodeStep:
    """Return the timelines of one decode step: `eager`, and the same with a `graph`.

    The CPU prepares the inputs for `prepare_us`, launches `num_kernels` kernels of `kernel_us` each (named after the
    layers of a decoder) and waits for the token. With the defaults the step is launch-bound: a launch costs 7.5 us and
    a kernel 3 us, so eagerly the GPU waits most of the time. Let `kernel_us` grow above `launch_us - gap_us` to see a
    step that graphs hardly help.

    Raises:
        ValueError: fewer than 1 kernel, or a time that is negative.
    """
    if num_kernels < 1:
        raise ValueError(f"num_kernels is {num_kernels}: a decode step launches at least 1 kernel.")
    kernels = [Kernel(name, kernel_us) for name in islice(cycle(LAYER), num_kernels)]
    return DecodeStep(_eagerly(kernels, prepare_us, costs), _with_a_graph(kernels, prepare_us, costs))


def _eagerly(kernels: Sequence[Kernel], prepare_us: float, costs: LaunchCosts) -> Timeline:
    queue = LaunchQueue(costs)
    queue.host("prepare", prepare_us)
    for kernel in kernels:
        queue.launch(kernel)
    queue.synchronize()
    return queue.timeline()


def _with_a_graph(kernels: Sequence[Kernel], prepare_us: float, costs: LaunchCosts) -> Timeline:
    queue = LaunchQueue(costs)
    queue.host("prepare", prepare_us)
    queue.launch_graph("decode", kernels)
    queue.synchronize()
    return queue.timeline()
