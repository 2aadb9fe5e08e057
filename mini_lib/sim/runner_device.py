"""The GPU of the simulated runner: when a launched step will be done, and what launching it costs the CPU.

As in `ModelRunner`, a step is two launches. The copies of the batch run on a stream of their own, after the last step,
whose inputs they overwrite; the step runs on another, after the copies. Both times follow from a few additions, since a
step's price is known beforehand: the GPU is "free from" some moment, and so is the copy stream.

That holds as long as no launch has to wait for a place in the queue. Where one might, the steps in flight are played
launch by launch on a `LaunchQueue`, which gives the same times where nothing waits.

Not modelled: how many bytes are copied. A small copy is assumed to keep its stream as long as an empty kernel.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple, Protocol

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.price import StepPrice
from mini_lib.sim.sim_clock import SimClock
from mini_lib.timing import CPU, GPU, LaunchQueue, Span
from mini_lib.timing.streams import Event

COPIES_PER_STEP = 7  # what `DeviceStep.copy_in` launches: four inputs per token, two per request, the page table
COPY_STREAM = "GPU copies"
ROUNDING_US = 1e-6  # sums of the same numbers in another order differ by less


class Pricer(Protocol):
    """Says what a step costs, and plays it on a queue; `StepPricer` is one."""

    def price(self, mode: CUDAGraphMode, shape: StepShape) -> StepPrice: ...

    def play(self, queue: LaunchQueue, mode: CUDAGraphMode, shape: StepShape, name: str = "step") -> None: ...


class InFlight(NamedTuple):
    """A step that the GPU may not have done, and how things stood when it was launched."""

    step: int
    mode: CUDAGraphMode
    shape: StepShape
    start_us: float
    gpu_free_us: float
    copies_free_us: float
    num_launches: int
    done_us: float
    waited: bool  # for a place in the queue


class SimDevice:
    """A GPU that is free from `free_us` on. `busy_us` sums what its kernels took, gaps between them not counted.

    Args:
        pricer: what steps cost.
        profile: what launches and copies cost.
        clock: the CPU's time; launching moves it on.
        spans: where spans are put; None: nowhere.
        kernels: put each launch and each kernel there, by playing every step on the queue.
    """

    def __init__(
        self,
        pricer: Pricer,
        profile: DeviceProfile,
        clock: SimClock,
        spans: list[Span] | None = None,
        *,
        kernels: bool = False,
    ) -> None:
        self.free_us = self.copies_free_us = -math.inf
        self.busy_us = 0.0
        self.first_launch_us = math.inf
        self.pricer, self.profile = pricer, profile
        self._clock, self._spans, self._kernels = clock, spans, kernels
        self._in_flight: deque[InFlight] = deque()
        self._queue: LaunchQueue | None = None  # the queue of the last step, if that was played

    def launch(self, step: int, mode: CUDAGraphMode, shape: StepShape) -> float:
        """Launch a step: move the clock behind its last launch, and return when the GPU will be done."""
        price, start_us, before = self.pricer.price(mode, shape), self._clock.us, (self.free_us, self.copies_free_us)
        num_launches = COPIES_PER_STEP + price.kernels + price.graphs
        self.first_launch_us = min(self.first_launch_us, start_us)
        self.busy_us += price.busy_us
        waited = False
        if self._kernels or self._might_wait(num_launches, start_us):
            self._play(step, mode, shape)
            waited = self._clock.us > start_us + self._launch_us(price) + ROUNDING_US
        else:
            self._queue = None
            self._launch(price)
        self._in_flight.append(InFlight(step, mode, shape, start_us, *before, num_launches, self.free_us, waited))
        if self._spans is not None and not self._kernels:
            self._spans += self._spans_of(self._in_flight[-1])
        return self.free_us

    def _launch_us(self, price: StepPrice) -> float:
        return COPIES_PER_STEP * self.profile.launch.launch_us + price.launch_us

    def _launch(self, price: StepPrice) -> None:
        """Move clock, copy stream and GPU on by the rules of the queue, in closed form."""
        forward_us = self._clock.us + COPIES_PER_STEP * self.profile.launch.launch_us
        self.copies_free_us = copies_done_us(self.profile, self._clock.us, self.free_us, self.copies_free_us)
        # A price keeps the first gap to what ran before; to copies on another stream there is none.
        free_us = max(self.free_us, self.copies_free_us - self.profile.launch.gap_us)
        self._clock.us = forward_us + price.launch_us
        self.free_us = price.gpu_done_us(forward_us, free_us)

    def _might_wait(self, num_launches: int, start_us: float) -> bool:
        """Tell whether a launch could find the queue full: it may, or one of a step in flight did."""
        while self._in_flight and self._in_flight[0].done_us <= start_us:
            self._in_flight.popleft()
        pending = sum(one.num_launches for one in self._in_flight)
        return num_launches + pending > self.profile.launch.queue_depth or any(one.waited for one in self._in_flight)

    def _play(self, step: int, mode: CUDAGraphMode, shape: StepShape) -> None:
        """Launch a step on a queue on which the steps before it that the GPU still works on were launched as well."""
        if self._queue is None or not self._in_flight:
            self._queue = self._queue_of_steps_in_flight()
        queue = self._queue
        self._play_on(queue, self._clock.us, step, mode, shape)
        spans = queue.take_spans()
        if self._spans is not None and self._kernels:
            self._spans += spans
        self._clock.us = queue.now_us
        self.free_us, self.copies_free_us = (queue.record_event(stream).done_us for stream in (GPU, COPY_STREAM))

    def _queue_of_steps_in_flight(self) -> LaunchQueue:
        """Return a queue in the state in which the steps in flight have left it."""
        queue = LaunchQueue(self.profile.launch)
        first = self._in_flight[0] if self._in_flight else None
        free_us, copies_us = (first.gpu_free_us, first.copies_free_us) if first else (self.free_us, self.copies_free_us)
        for stream, done_us in ((GPU, free_us), (COPY_STREAM, copies_us)):
            queue.wait_event(Event(stream, done_us + self.profile.launch.gap_us), stream)
        for one in self._in_flight:
            self._play_on(queue, one.start_us, one.step, one.mode, one.shape)
        queue.take_spans()
        return queue

    def _play_on(self, queue: LaunchQueue, start_us: float, step: int, mode: CUDAGraphMode, shape: StepShape) -> None:
        """Launch a step as `ModelRunner` does: the copies after the last step, the step after the copies."""
        queue.now_us = start_us
        queue.wait_event(queue.record_event(GPU), COPY_STREAM)
        for _ in range(COPIES_PER_STEP):
            queue.copy(f"in {step}", self.profile.kernel_us, COPY_STREAM)
        queue.wait_event(queue.record_event(COPY_STREAM), GPU)
        self.pricer.play(queue, mode, shape, f"step {step}")

    def _spans_of(self, one: InFlight) -> list[Span]:
        """Return the spans of a step: its launches in one, its copies in one, its kernels in one."""
        costs = self.profile.launch
        copied_us = self.copies_free_us
        copy_us = max(one.start_us + costs.launch_us + costs.latency_us, one.gpu_free_us, one.copies_free_us)
        forward_us = one.start_us + COPIES_PER_STEP * costs.launch_us
        first_us = max(forward_us + costs.launch_us + costs.latency_us, one.gpu_free_us + costs.gap_us, copied_us)
        return [
            Span(CPU, f"launch {one.step}", one.start_us, self._clock.us),
            Span(COPY_STREAM, f"copy in {one.step}", min(copy_us, copied_us), copied_us),
            Span(GPU, f"step {one.step}", min(first_us, one.done_us), one.done_us),
        ]


def copies_done_us(profile: DeviceProfile, start_us: float, gpu_free_us: float, copies_free_us: float) -> float:
    """Return when the copies are done that are launched from `start_us` on: the rule of the queue, in closed form.

    Either the first copy waits and the others follow it at once, or the last one is there when it is launched.
    """
    costs, rest = profile.launch, COPIES_PER_STEP - 1
    first_us = max(start_us + costs.launch_us + costs.latency_us, gpu_free_us, copies_free_us + costs.gap_us)
    last_us = start_us + COPIES_PER_STEP * costs.launch_us + costs.latency_us
    return max(first_us + rest * (profile.kernel_us + costs.gap_us), last_us) + profile.kernel_us
