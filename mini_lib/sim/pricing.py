"""Prices of steps: the kernels of a model's step, launched as a mode launches them, in closed form.

A mode groups the same kernels into launches. NONE launches each by itself; FULL launches the forward pass as one
graph; PIECEWISE launches a graph for each run of kernels between splitting ones, which go one by one. What is before
and after the forward pass goes one by one in every mode.

Two things make a price cheap. Attention alone depends on how long the requests are, all of its kernels alike: all else
is computed once per (mode, tokens, requests), and a price is the upper hull of lines in attention's time. And layers
are alike: see `LaunchSum.repeated`.

A price is exact, to rounding, as long as no launch has to wait for a place in the queue: while fewer than its depth are
pending. `StepPricer.play` launches the same step on a `LaunchQueue`, where it may wait.

>>> from mini_lib.sim.profiles import PROFILES
>>> pricer = StepPricer(ModelConfig.llama_3_8b(), "fused", PROFILES["H200"])
>>> one, many = StepShape.decode(1, context=1024), StepShape.decode(64, context=1024)
>>> for mode in (CUDAGraphMode.NONE, CUDAGraphMode.FULL):
...     print(mode.name, [round(steady_us(pricer.price(mode, shape)) / 1e3, 1) for shape in (one, many)])
NONE [4.5, 6.8]
FULL [4.2, 6.6]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.costs import forward_parts, step_kernels
from mini_lib.sim.costs.around import kernels_after, kernels_before
from mini_lib.sim.costs.attention import attention_kernels
from mini_lib.sim.costs.ops import INT64
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import KernelCost, StepShape
from mini_lib.sim.kernel_time import GrowingKernel, kernel_us
from mini_lib.sim.launch_sum import Hull, LaunchSum
from mini_lib.sim.price import StepPrice, steady_us
from mini_lib.timing import Kernel, LaunchQueue
from mini_lib.withheld import withheld_in

__all__ = ["StepPrice", "StepPricer", "steady_us"]

OWN = "mini_lib."  # how the names of the course's own kernels begin
READS = frozenset({"mini_lib.paged_attention", "mini_lib.paged_hash"})  # the kernels that look at what is cached
Launch = tuple[bool, tuple[KernelCost, ...]]  # is it a graph, and its kernels


class Work(NamedTuple):
    """Kernels, summed: the time of all but attention, the number of attention kernels, the number of all."""

    busy_us: float
    reads: int
    nodes: int

    def times(self, times: int) -> Work:
        """Return the same kernels `times` times."""
        return Work(self.busy_us * times, self.reads * times, self.nodes * times)


class Plan(NamedTuple):
    """All that is known of a step before attention's time is."""

    launches: LaunchSum
    behind: Hull
    attention: GrowingKernel

    @property
    def launch_us(self) -> float:
        """CPU time of all launches."""
        return self.launches.cpu_us

    @property
    def num_launches(self) -> int:
        """Kernels launched one by one, and graphs."""
        return self.launches.kernels + self.launches.graphs

    def times_us(self, kv_tokens: int, attended: int) -> tuple[float, float, float]:
        """Return `gpu_us`, `behind_us` and `busy_us` of the price of a step that looks at so much."""
        row = self.launches
        attention_us = self.attention.us(kv_tokens, attended)
        reading_us = row.reads * attention_us
        return row.gpu_us + reading_us, self.behind.at(attention_us), row.busy_us + reading_us


class StepPricer:
    """Prices the steps of one model, written in one style, on one device.

    Args:
        config: the model's shape.
        style: how the decoder is written: "naive", "lean", "fused".
        profile: the GPU and its host.
        itemsize: bytes of a number; the exact model has its own.

    Raises:
        ValueError: a style or an item size that has no costs.
    """

    @withheld_in("lab01")
    def __init__(self, config: ModelConfig, style: str, profile: DeviceProfile, *, itemsize: int = 2) -> None:
        step_kernels(config, style, StepShape.decode(1, context=1), itemsize=itemsize)  # refuses what has no costs
        self.config, self.style, self.profile = config, style, profile
        self.itemsize = INT64 if config.family == "exact" else itemsize
        self.plan = lru_cache(maxsize=1 << 16)(self._plan)
        # What does not depend on both numbers is folded once for each of them.
        self._forward, self._after = lru_cache(None)(self._fold_forward), lru_cache(None)(self._fold_after)
        self._attention, self._launch = lru_cache(None)(self._attention_of), lru_cache(None)(self._fold_launch)

    def price(self, mode: CUDAGraphMode, shape: StepShape) -> StepPrice:
        """Return what the step costs.

        Raises:
            ValueError: `mode` is a policy: no batch runs in it.
        """
        plan = self.plan(mode, shape.num_tokens, shape.num_requests)
        row = plan.launches
        times_us = plan.times_us(shape.kv_tokens, shape.attended)
        return StepPrice(row.cpu_us, *times_us, row.kernels, row.graphs)

    def play(self, queue: LaunchQueue, mode: CUDAGraphMode, shape: StepShape, name: str = "step") -> None:
        """Launch the step on `queue`, kernel by kernel. Graphs are called `name`, with a number where there are more.

        Raises:
            ValueError: as `price`.
        """
        before, forward, after = step_kernels(self.config, self.style, shape, itemsize=self.itemsize)
        launches = [*_one_by_one(before), *launches_of(mode, forward), *_one_by_one(after)]
        names = _graph_names(name, sum(is_graph for is_graph, _ in launches))
        for is_graph, costs in launches:
            kernels = [Kernel(cost.name, kernel_us(cost, self.profile)) for cost in costs]
            if is_graph:
                queue.launch_graph(next(names), kernels)
                continue
            if own_us := self._own_us(costs[0]):
                queue.host(f"{costs[0].name} in Python", own_us)
            queue.launch(kernels[0])

    def _plan(self, mode: CUDAGraphMode, num_tokens: int, num_requests: int) -> Plan:
        attention, growing = self._attention(num_tokens)
        before = self._row(_one_by_one(kernels_before(StepShape(num_tokens, num_requests, 0, 0)))).upper()
        row = LaunchSum.of([before, self._forward(mode, num_tokens, attention), self._after(num_requests)])
        return Plan(row, Hull(row.lines), growing)

    def _attention_of(self, num_tokens: int) -> tuple[tuple[KernelCost, ...], GrowingKernel]:
        """Return the kernels of attention that looks at nothing, and how the second grows with what it sees."""
        shapes = (StepShape(num_tokens, 1, count, count) for count in (0, 1))
        nothing, one = (attention_kernels(self.config, self.style, shape, self.itemsize) for shape in shapes)
        return nothing, GrowingKernel.between(nothing[1], one[1], self.profile)

    def _fold_after(self, num_requests: int) -> LaunchSum:
        shape = StepShape(num_requests, num_requests, 0, 0)
        return self._row(_one_by_one(kernels_after(self.config, shape, self.itemsize))).upper()

    def _fold_forward(self, mode: CUDAGraphMode, num_tokens: int, attention: tuple[KernelCost, ...]) -> LaunchSum:
        """Fold the forward pass. What runs from one attention to the next is the same in every layer: folded once."""
        start, before, after, end = forward_parts(self.config, self.style, num_tokens, self.itemsize, "gpu")
        again = self.config.num_layers - 1
        first, layer, last = (*start, *before), (*attention, *after, *before), (*attention, *after, *end)
        if mode is CUDAGraphMode.FULL:
            works = [self._work(first), self._work(layer).times(again), self._work(last)]
            return self._graph(Work(*map(sum, zip(*works, strict=True))))
        rows = [self._row(launches_of(mode, part)).upper() for part in (first, layer, last)]
        return LaunchSum.of([rows[0], rows[1].repeated(again), rows[2]]).upper()

    def _row(self, launches: Iterable[Launch]) -> LaunchSum:
        return LaunchSum.of([self._launch(*launch) for launch in launches])

    def _fold_launch(self, is_graph: bool, costs: tuple[KernelCost, ...]) -> LaunchSum:
        if is_graph:
            return self._graph(self._work(costs))
        launch, (busy_us, reads, _) = self.profile.launch, self._work(costs)
        cpu_us = self._own_us(costs[0]) + launch.launch_us
        line = (reads, cpu_us + launch.latency_us + busy_us)
        return LaunchSum(cpu_us, launch.gap_us + busy_us, busy_us, reads, 1, 0, (line,))

    def _graph(self, work: Work) -> LaunchSum:
        """Return one graph launch: its kernels all arrive at once, so that only its first one can be waited for."""
        launch = self.profile.launch
        cpu_us = launch.graph_launch_us + work.nodes * launch.graph_node_us
        gpu_us = work.busy_us + (work.nodes - 1) * launch.graph_gap_us
        line = (work.reads, cpu_us + launch.latency_us + gpu_us)
        return LaunchSum(cpu_us, launch.gap_us + gpu_us, work.busy_us, work.reads, 0, 1, (line,))

    def _work(self, costs: Iterable[KernelCost]) -> Work:
        timed = [None if cost.name in READS else kernel_us(cost, self.profile) for cost in costs]
        return Work(sum(us for us in timed if us is not None), timed.count(None), len(timed))

    def _own_us(self, cost: KernelCost) -> float:
        return self.profile.own_op_us if cost.name.startswith(OWN) else 0.0


def launches_of(mode: CUDAGraphMode, forward: tuple[KernelCost, ...]) -> list[Launch]:
    """Return how a forward pass is launched: in order, whether it is a graph, and which kernels it brings.

    Raises:
        ValueError: `mode` is a policy.
    """
    if not mode.is_valid_runtime_mode():
        raise ValueError(f"no batch runs in {mode.name}, which is a pair of modes: ask for NONE, PIECEWISE or FULL.")
    if mode is CUDAGraphMode.FULL:
        return [(True, forward)]
    if mode is CUDAGraphMode.NONE:
        return _one_by_one(forward)
    runs = [(splits, tuple(run)) for splits, run in groupby(forward, key=lambda cost: cost.splits)]
    return [launch for splits, run in runs for launch in (_one_by_one(run) if splits else [(True, run)])]


def _one_by_one(kernels: Iterable[KernelCost]) -> list[Launch]:
    return [(False, (kernel,)) for kernel in kernels]


def _graph_names(name: str, num_graphs: int) -> Iterator[str]:
    return iter([name] if num_graphs == 1 else [f"{name} piece {number}" for number in range(num_graphs)])
