"""`ModelRunner`'s interface in virtual time: batches are launched, waited for, and take as long as their price says.

The CPU's time is the clock's. Launching moves it on and returns; `wait` moves it to the end of the step, if that is
later, and adds what noticing it costs. Mode and padding come from the real dispatcher. Nothing is computed: a token is
a function of its request and its position, by default a constant, and a function that gives the stop token now and then
lets answers end early.

Attention is priced by the positions that the batch really has: padded rows look nowhere.

Not modelled: the host memory that a batch waits in (`ModelRunner` has two sets, and the loops never wait for one).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode
from mini_lib.scheduling.batch import SchedulerOutput
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.runner_device import SimDevice
from mini_lib.sim.sim_clock import SimClock
from mini_lib.timing import CPU, Span

TokenAt = Callable[[int, int], int]  # (request id, position in prompt and answer) -> token id
CONSTANT_TOKEN = 0


class SimOutput:
    """The result of a simulated step: its tokens, and when they are there."""

    __slots__ = ("_runner", "batch", "done_us")

    def __init__(self, runner: SimRunner, batch: SchedulerOutput, done_us: float) -> None:
        self._runner, self.batch, self.done_us = runner, batch, done_us

    def wait(self) -> list[int]:
        """Wait for the step, and return one sampled token per request, in the order of the batch."""
        self._runner.wait_until_done(self.batch.step, self.done_us)
        return self._runner.tokens_of(self.batch)


class SimRunner:
    """Runs batches on a virtual clock, and counts what it did.

    Args:
        device: the GPU, and what launching on it costs.
        dispatcher: turns (number of tokens, only decoding?) into (mode, key of the graph).
        clock: the CPU's time, which scheduler and runner share.
        token_at: the token that a request has at a position; None: always `CONSTANT_TOKEN`.
        spans: where waiting is put on record; None: nowhere.

    `num_steps`, `num_tokens` and `padded_tokens` (rows computed for nobody) count all that was launched;
    `steps_by_mode` counts steps.
    """

    def __init__(
        self,
        device: SimDevice,
        dispatcher: CudagraphDispatcher,
        clock: SimClock,
        *,
        token_at: TokenAt | None = None,
        spans: list[Span] | None = None,
    ) -> None:
        self.device, self.dispatcher = device, dispatcher
        self.token_at = token_at
        self.num_steps = self.num_tokens = self.padded_tokens = 0
        self.steps_by_mode: dict[CUDAGraphMode, int] = {}
        self._clock, self._spans = clock, spans
        self.dispatch = cache(self._dispatch)  # depends on nothing else

    def execute_model(self, batch: SchedulerOutput) -> SimOutput:
        """Launch the batch and return at once: the clock stands where its last launch is made."""
        mode, shape = self.step_of(batch)
        return SimOutput(self, batch, self.device.launch(batch.step, mode, shape))

    def step_of(self, batch: SchedulerOutput) -> tuple[CUDAGraphMode, StepShape]:
        """Return how `batch` runs, and the shape of the step, padded; count it."""
        num_tokens = attended = kv_tokens = 0
        if batch.uniform_decode:  # the same, and nearly always so
            num_tokens = len(batch.requests)
            attended = kv_tokens = sum([request.start for request in batch.requests]) + num_tokens
        for request in () if batch.uniform_decode else batch.requests:
            count = len(request.token_ids)
            end = request.start + count
            num_tokens += count
            kv_tokens += end
            attended += end if count == 1 else count * request.start + count * (count + 1) // 2
        mode, padded = self.dispatch(num_tokens, batch.uniform_decode)
        self.count(mode, num_tokens, padded)
        return mode, StepShape(padded, len(batch.requests), attended, kv_tokens)

    def _dispatch(self, num_tokens: int, uniform_decode: bool) -> tuple[CUDAGraphMode, int]:
        """Return how such a batch runs, and to how many tokens it is padded."""
        mode, descriptor = self.dispatcher.dispatch(num_tokens, uniform_decode)
        return mode, descriptor.num_tokens

    def count(self, mode: CUDAGraphMode, num_tokens: int, padded: int, steps: int = 1) -> None:
        """Count `steps` steps of the same size."""
        self.num_steps += steps
        self.num_tokens += steps * num_tokens
        self.padded_tokens += steps * (padded - num_tokens)
        self.steps_by_mode[mode] = self.steps_by_mode.get(mode, 0) + steps

    def wait_until_done(self, step: int, done_us: float) -> None:
        """Let the CPU wait until `done_us`, and notice that the step is done."""
        start_us, clock = self._clock.us, self._clock
        clock.us = max(start_us, done_us) + self.device.profile.launch.sync_us
        if self._spans is not None:
            self._spans.append(Span(CPU, f"wait {step}", start_us, clock.us))

    def tokens_of(self, batch: SchedulerOutput) -> list[int]:
        """Return the tokens that `batch` samples."""
        if self.token_at is None:
            return [CONSTANT_TOKEN] * len(batch.requests)
        return [self.token_at(one.request_id, one.start + len(one.token_ids)) for one in batch.requests]
