"""The GPU of the simulated runner: when a launched step will be done, and what launching it costs the CPU.

As in `ModelRunner`, a step is two launches. The copies of the batch run on a stream of their own, after the last step,
whose inputs they overwrite; the step runs on another, after the copies. Both times follow from a few additions, since a
step's price is known beforehand: the GPU is "free from" some moment, and so is the copy stream.

That holds as long as no launch has to wait for a place in the queue. Where one might, the steps in flight are played
launch by launch on a `LaunchQueue`, which gives the same times where nothing waits.

So the GPU computes nothing while seven small copies run between two steps, however far ahead the CPU is: 18 us under
the constants of the H200. A second set of static inputs, and graphs captured on it, would close the gap.

Not modelled: how many bytes are copied, and the four fills that pad a batch. A small copy is assumed to keep its stream
as long as an empty kernel.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple, Protocol

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.sim_clock import SimClock
from mini_lib.timing import CPU, GPU, LaunchQueue, Span
from mini_lib.timing.streams import Event

COPIES_PER_STEP = 7  # what `DeviceStep.copy_in` launches: four inputs per token, two per request, the page table
COPY_STREAM = "GPU copies"
ROUNDING_US = 1e-6  # sums of the same numbers in another order differ by less


class Plan(Protocol):
    """What is known of steps with so many tokens and requests: all but attention."""

    @property
    def launch_us(self) -> float: ...

    @property
    def num_launches(self) -> int: ...

    def times_us(self, kv_tokens: int, attended: int) -> tuple[float, float, float]:
        """Return `gpu_us`, `behind_us` and `busy_us` of the step's price."""


class Pricer(Protocol):
    """Says what a step costs, and plays it on a queue; `StepPricer` is one."""

    def plan(self, mode: CUDAGraphMode, num_tokens: int, num_requests: int) -> Plan: ...

    def play(self, queue: LaunchQueue, mode: CUDAGraphMode, shape: StepShape, name: str = "step") -> None: ...


class Copies:
    """The copies of a batch to the GPU, one after the other on a stream of their own, by the rules of the queue."""

    def __init__(self, profile: DeviceProfile) -> None:
        costs, rest = profile.launch, COPIES_PER_STEP - 1
        self.gap_us, self.launch_us = costs.gap_us, COPIES_PER_STEP * costs.launch_us
        self._arrival_us, self._last_arrival_us = (
            count * costs.launch_us + costs.latency_us for count in (1, rest + 1)
        )
        self._rest_us, self._copy_us = rest * (profile.kernel_us + costs.gap_us), profile.kernel_us

    def first_us(self, start_us: float, gpu_free_us: float, copies_free_us: float) -> float:
        """Return when the first copy starts, if the CPU begins to launch at `start_us`."""
        return max(start_us + self._arrival_us, gpu_free_us, copies_free_us + self.gap_us)

    def done_us(self, start_us: float, gpu_free_us: float, copies_free_us: float) -> float:
        """Return when the last copy is done: it follows the others, or it is launched after all of them are done."""
        # The maxima are written out: this is asked once a step, and `max` takes longer than all of the rest.
        first_us, follows_us = start_us + self._arrival_us, copies_free_us + self.gap_us
        if gpu_free_us > first_us:
            first_us = gpu_free_us
        if follows_us > first_us:
            first_us = follows_us
        done_us, last_us = first_us + self._rest_us, start_us + self._last_arrival_us
        return (done_us if done_us > last_us else last_us) + self._copy_us


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
        self.pricer, self.profile, self.copies = pricer, profile, Copies(profile)
        self._clock, self._spans, self._kernels = clock, spans, kernels
        self._in_flight: deque[InFlight] = deque()
        self._queue: LaunchQueue | None = None  # the queue of the last step, if that was played

    def launch(self, step: int, mode: CUDAGraphMode, shape: StepShape) -> float:
        """Launch a step: move the clock behind its last launch, and return when the GPU will be done."""
        plan, start_us = self.pricer.plan(mode, shape.num_tokens, shape.num_requests), self._clock.us
        before, times_us = (self.free_us, self.copies_free_us), plan.times_us(shape.kv_tokens, shape.attended)
        self.first_launch_us = min(self.first_launch_us, start_us)
        self.busy_us += times_us[2]
        waited = False
        if self._kernels or self.might_wait(plan):
            self._play(step, mode, shape)
            waited = self._clock.us > start_us + self.copies.launch_us + plan.launch_us + ROUNDING_US
        else:
            self._queue = None
            self._launch(plan.launch_us, *times_us)
        self.note(InFlight(step, mode, shape, start_us, *before, self.num_launches(plan), self.free_us, waited))
        return self.free_us

    def note(self, launched: InFlight) -> None:
        """Put a step on record that the GPU may not have done."""
        self._in_flight.append(launched)
        if self._spans is not None and not self._kernels:
            self._spans += self._spans_of(launched)

    def might_wait(self, plan: Plan) -> bool:
        """Tell whether a launch of the next step could find the queue full: it may, or one of a step in flight did."""
        while self._in_flight and self._in_flight[0].done_us <= self._clock.us:
            self._in_flight.popleft()
        pending = self.num_launches(plan)
        for one in self._in_flight:
            pending += one.num_launches
            if one.waited:
                return True
        return pending > self.profile.launch.queue_depth

    def never_waits(self, plan: Plan) -> bool:
        """Tell whether a launch of a step finds a place even when the same step is in flight before it."""
        return 2 * self.num_launches(plan) <= self.profile.launch.queue_depth and not self._kernels

    def num_launches(self, plan: Plan) -> int:
        """Return how many launches a step makes, copies included."""
        return COPIES_PER_STEP + plan.num_launches

    def _launch(self, launch_us: float, gpu_us: float, behind_us: float, _: float) -> None:
        """Move clock, copy stream and GPU on by the rules of the queue, in closed form."""
        forward_us = self._clock.us + self.copies.launch_us
        self.copies_free_us = self.copies.done_us(self._clock.us, self.free_us, self.copies_free_us)
        # A price begins with a gap to what ran before. The copies came after that, and took longer; to them is no gap.
        held_us = self.copies_free_us - self.copies.gap_us
        self._clock.us = forward_us + launch_us
        self.free_us = max(forward_us + behind_us, held_us + gpu_us)

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
        # The next copy keeps its distance to the last one. The next step needs none: copies come before it.
        queue.wait_event(Event(COPY_STREAM, copies_us + self.profile.launch.gap_us), COPY_STREAM)
        queue.wait_event(Event(GPU, free_us), GPU)
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
        copy_us = self.copies.first_us(one.start_us, one.gpu_free_us, one.copies_free_us)
        forward_us = one.start_us + self.copies.launch_us
        first_us = max(forward_us + costs.launch_us + costs.latency_us, one.gpu_free_us + costs.gap_us, copied_us)
        return [
            Span(CPU, f"launch {one.step}", one.start_us, self._clock.us),
            Span(COPY_STREAM, f"copy in {one.step}", min(copy_us, copied_us), copied_us),
            Span(GPU, f"step {one.step}", min(first_us, one.done_us), one.done_us),
        ]
