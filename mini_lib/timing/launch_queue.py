"""The launch queue: a CPU that writes launches down, a GPU that works them off, and who waits for whom.

A launch is asynchronous. The CPU spends `launch_us` on it, puts the kernel into a queue and goes on; the GPU takes
kernels out in order. So one of the two is always ahead. Where a launch takes longer than a kernel, the GPU waits for
every kernel and the program is *launch-bound*: its time is the CPU's. Where kernels take longer, the queue fills up
and the program is *GPU-bound*. A graph moves the border: one launch brings all its kernels.

One rule holds all of it: a kernel starts at max(end of the kernel before it on its stream + gap, end of its launch +
latency, the events that its stream waits for). A copy waits for the copy engine as well.

Not modelled: kernels of two streams that share the multiprocessors, the memory that a kernel competes for, copies from
pageable memory (which block the CPU), more than one copy engine, the cost of recording an event and of letting a
stream wait for it, a CPU that is interrupted. Costs are constant, and the same for every operation.

>>> queue = LaunchQueue()
>>> for _ in range(3):
...     queue.launch(Kernel("matmul", gpu_us=2.0))
>>> queue.synchronize()
>>> queue.now_us, queue.timeline().busy_us("GPU")
(31.5, 6.0)

Two streams, one waiting for the other:

>>> queue = LaunchQueue()
>>> queue.launch(Kernel("prefill", gpu_us=50.0), stream="GPU prefill")
>>> queue.wait_event(queue.record_event("GPU prefill"), stream="GPU")
>>> queue.launch(Kernel("decode", gpu_us=3.0))
>>> [(span.name, span.start_us) for span in queue.timeline().spans if span.lane != "CPU"]
[('prefill', 9.5), ('decode', 59.5)]
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mini_lib.timing.costs import ASSUMED, LaunchCosts
from mini_lib.timing.span import CPU, GPU, Span
from mini_lib.timing.streams import Event, Stream
from mini_lib.timing.timeline import Timeline
from mini_lib.withheld import withheld_in


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and the time that it keeps the GPU busy once it runs."""

    name: str
    gpu_us: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gpu_us) and self.gpu_us >= 0):
            raise ValueError(f"kernel {self.name!r} takes {self.gpu_us} us: it must be a finite number, 0 or more.")


class LaunchQueue:
    """One CPU thread and the streams of one GPU in virtual time, all free at 0.

    Each verb is what the CPU does next; it moves `now_us`, the CPU's clock, and adds spans to the timeline. A stream
    comes into being with the first work on it, and its name is its lane. While the CPU waits, for a place in the queue
    or for the GPU, it does nothing for us and its lane stays idle.
    """

    @withheld_in("lab01")
    def __init__(self, costs: LaunchCosts = ASSUMED) -> None:
        self.costs = costs
        self.now_us = 0.0
        self._spans: list[Span] = []
        self._streams: dict[str, Stream] = {}
        self._copies_done_us = -math.inf
        self._pending: list[float] = []  # a heap: when each launch in the queue will be done, whatever its stream

    def host(self, name: str, us: float) -> None:
        """Work on the CPU for `us`: scheduling, preparing inputs, turning tokens into text.

        Raises:
            ValueError: `us` is negative or not finite.
        """
        if not (math.isfinite(us) and us >= 0):
            raise ValueError(f"host work {name!r} takes {us} us: it must be a finite number, 0 or more.")
        self._on_cpu(name, us)

    def launch(self, kernel: Kernel, stream: str = GPU) -> None:
        """Launch one kernel eagerly. Returns when it is queued, long before it has run."""
        on = self._stream(stream)
        self._wait_for_a_place()
        self._on_cpu(f"launch {kernel.name}", self.costs.launch_us)
        self._on_gpu(on, (kernel,), self.costs.gap_us)

    def launch_graph(self, name: str, kernels: Sequence[Kernel], stream: str = GPU) -> None:
        """Launch a recorded graph: one entry of the queue, which brings all of `kernels` in their order.

        The first kernel keeps the distance of any launch to what ran before it, the others that of graph nodes.

        Raises:
            ValueError: the graph is empty. torch warns of such a capture, and a replay of it would do nothing.
        """
        if not kernels:
            raise ValueError(f"graph {name!r} holds no kernel: nothing was launched while it was being captured.")
        on = self._stream(stream)
        self._wait_for_a_place()
        self._on_cpu(f"replay {name}", self.costs.graph_launch_us + len(kernels) * self.costs.graph_node_us)
        self._on_gpu(on, kernels, self.costs.graph_gap_us)

    def copy(self, name: str, us: float, stream: str = GPU) -> None:
        """Launch a copy between CPU and GPU, from or to pinned memory: a span "copy `name`" on the stream's lane.

        It keeps its place in the stream, and it waits for the copy engine, which does one copy after the other.
        """
        kernel, on = Kernel(f"copy {name}", us), self._stream(stream)
        self._wait_for_a_place()
        self._on_cpu(f"launch {kernel.name}", self.costs.launch_us)
        self._on_gpu(on, (kernel,), self.costs.gap_us, self._copies_done_us)
        self._copies_done_us = on.done_us

    def record_event(self, stream: str = GPU) -> Event:
        """Return a mark behind all that was launched on `stream` so far. Costs no time."""
        return self._stream(stream).mark(self.now_us)

    def wait_event(self, event: Event, stream: str = GPU) -> None:
        """Let what is launched on `stream` from here on wait for `event`. The CPU does not wait, and it costs no time.

        What was launched before keeps its times.
        """
        self._stream(stream).wait_for(event)

    def synchronize(self, what: Event | str | None = None) -> None:
        """Wait until an event has been passed, or a stream is done, or (None) all that was launched."""
        marks = [what] if isinstance(what, Event) else [self.record_event(name) for name in self._named(what)]
        self.now_us = max([self.now_us, *(mark.done_us for mark in marks)])
        self._on_cpu("synchronize", self.costs.sync_us)

    def timeline(self) -> Timeline:
        """Return what happened so far. Kernels still in the queue are in it, at the time at which they will run."""
        return Timeline(self._spans)

    def take_spans(self) -> tuple[Span, ...]:
        """Return the spans so far and forget them, so that a long simulation does not keep every kernel."""
        taken, self._spans = tuple(self._spans), []
        return taken

    def _stream(self, name: str) -> Stream:
        if name == CPU:
            raise ValueError(f"{CPU!r} is the lane of the CPU: give the stream another name.")
        return self._streams.setdefault(name, Stream(name))

    def _named(self, stream: str | None) -> list[str]:
        return list(self._streams) if stream is None else [stream]

    def _wait_for_a_place(self) -> None:
        """Move the CPU to the moment at which fewer than `queue_depth` launches are pending."""
        while self._pending and self._pending[0] <= self.now_us:
            heapq.heappop(self._pending)
        if len(self._pending) >= self.costs.queue_depth:
            self.now_us = heapq.heappop(self._pending)

    def _on_cpu(self, name: str, us: float) -> None:
        self._spans.append(Span(CPU, name, self.now_us, self.now_us + us))
        self.now_us += us

    @withheld_in("lab01")
    def _on_gpu(
        self, stream: Stream, kernels: Sequence[Kernel], gap_inside_us: float, engine_free_us: float = -math.inf
    ) -> None:
        """Put the kernels of one launch behind all others of their stream."""
        gap_us, arrival_us = self.costs.gap_us, max(self.now_us + self.costs.latency_us, engine_free_us)
        for kernel in kernels:
            start_us = stream.run(kernel.gpu_us, gap_us, arrival_us)
            self._spans.append(Span(stream.name, kernel.name, start_us, stream.done_us))
            gap_us = gap_inside_us
        heapq.heappush(self._pending, stream.done_us)
