"""The launch queue: a CPU that writes launches down, a GPU that works them off, and who waits for whom.

A launch is asynchronous. The CPU spends `launch_us` on it, puts the kernel into a queue and goes on; the GPU takes
kernels out in order. So one of the two is always ahead. Where a launch takes longer than a kernel, the GPU waits for
every kernel and the program is *launch-bound*: its time is the CPU's. Where kernels take longer, the queue fills up
and the program is *GPU-bound*. A graph moves the border: one launch brings all its kernels.

One rule holds all of it: a kernel starts at max(end of the kernel before it + gap, end of its launch + latency).

Not modelled: more than one stream, kernels that overlap, copies, the memory that a kernel competes for, a CPU that
is interrupted. Costs are constant, and the same for every operation.

>>> queue = LaunchQueue()
>>> for _ in range(3):
...     queue.launch(Kernel("matmul", gpu_us=2.0))
>>> queue.synchronize()
>>> queue.now_us, queue.timeline().busy_us("GPU")
(31.5, 6.0)
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mini_lib.timing.costs import ASSUMED, LaunchCosts
from mini_lib.timing.span import CPU, GPU, Span
from mini_lib.timing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and the time that it keeps the GPU busy once it runs."""

    name: str
    gpu_us: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gpu_us) and self.gpu_us >= 0):
            raise ValueError(f"kernel {self.name!r} takes {self.gpu_us} us: it must be a finite number, 0 or more.")


class LaunchQueue:
    """One CPU thread and one GPU stream in virtual time, both free at 0.

    Each verb is what the CPU does next; it moves `now_us`, the CPU's clock, and adds spans to the timeline. While the
    CPU waits, for a place in the queue or for the GPU, it does nothing for us and its lane stays idle.
    """

    def __init__(self, costs: LaunchCosts = ASSUMED) -> None:
        self.costs = costs
        self.now_us = 0.0
        self._spans: list[Span] = []
        self._gpu_done_us = -math.inf  # nothing ran yet, so the first kernel owes nobody a gap
        self._pending: deque[float] = deque()  # when each launch in the queue will be done, oldest first

    def host(self, name: str, us: float) -> None:
        """Work on the CPU for `us`: scheduling, preparing inputs, turning tokens into text.

        Raises:
            ValueError: `us` is negative or not finite.
        """
        if not (math.isfinite(us) and us >= 0):
            raise ValueError(f"host work {name!r} takes {us} us: it must be a finite number, 0 or more.")
        self._on_cpu(name, us)

    def launch(self, kernel: Kernel) -> None:
        """Launch one kernel eagerly. Returns when it is queued, long before it has run."""
        self._wait_for_a_place()
        self._on_cpu(f"launch {kernel.name}", self.costs.launch_us)
        self._on_gpu((kernel,), self.costs.gap_us)

    def launch_graph(self, name: str, kernels: Sequence[Kernel]) -> None:
        """Launch a recorded graph: one entry of the queue, which brings all of `kernels` in their order.

        The first kernel keeps the distance of any launch to what ran before it, the others that of graph nodes.

        Raises:
            ValueError: the graph is empty. torch warns of such a capture, and a replay of it would do nothing.
        """
        if not kernels:
            raise ValueError(f"graph {name!r} holds no kernel: nothing was launched while it was being captured.")
        self._wait_for_a_place()
        self._on_cpu(f"replay {name}", self.costs.graph_launch_us + len(kernels) * self.costs.graph_node_us)
        self._on_gpu(kernels, self.costs.graph_gap_us)

    def synchronize(self) -> None:
        """Wait until the GPU has done all that was launched."""
        self.now_us = max(self.now_us, self._gpu_done_us)
        self._on_cpu("synchronize", self.costs.sync_us)

    def timeline(self) -> Timeline:
        """Return what happened so far. Kernels still in the queue are in it, at the time at which they will run."""
        return Timeline(self._spans)

    def _wait_for_a_place(self) -> None:
        """Move the CPU to the moment at which fewer than `queue_depth` launches are pending."""
        while self._pending and self._pending[0] <= self.now_us:
            self._pending.popleft()
        if len(self._pending) >= self.costs.queue_depth:
            self.now_us = self._pending.popleft()

    def _on_cpu(self, name: str, us: float) -> None:
        self._spans.append(Span(CPU, name, self.now_us, self.now_us + us))
        self.now_us += us

    def _on_gpu(self, kernels: Sequence[Kernel], gap_inside_us: float) -> None:
        """Put the kernels of one launch behind all others on the GPU's lane."""
        gap_us = self.costs.gap_us
        for kernel in kernels:
            start_us = max(self._gpu_done_us + gap_us, self.now_us + self.costs.latency_us)
            self._gpu_done_us = start_us + kernel.gpu_us
            self._spans.append(Span(GPU, kernel.name, start_us, self._gpu_done_us))
            gap_us = gap_inside_us
        self._pending.append(self._gpu_done_us)
