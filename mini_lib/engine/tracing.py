"""What the CPU did and when: the scheduler and the runner, each call of theirs a span on the CPU's lane.

An event loop is given these in place of the bare ones and notices nothing. So the order of launches and of processing
is on record for any loop, also for one that somebody else wrote: it overlaps if "launch 4" begins before "process 3".
Times are microseconds of `time.perf_counter_ns`, the clock that stream policies use for the GPU's lane.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mini_lib.engine.runner import ModelRunner, StepOutput
from mini_lib.scheduling import NewToken, Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.timing import CPU, Span
from mini_lib.timing.clocks import Clock


class CpuLane:
    """The spans of the CPU so far, in order of their end."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def note(self, name: str, start_ns: int, lane: str = CPU) -> None:
        """Put on record what began at `start_ns` and ends now."""
        self.spans.append(Span(lane, name, start_ns / 1e3, time.perf_counter_ns() / 1e3))

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Put the length of a `with` on record."""
        start_ns = time.perf_counter_ns()
        try:
            yield
        finally:
            self.note(name, start_ns)


class TracedScheduler(Scheduler):
    """A scheduler whose calls are spans, and which keeps what users get to see until it is fetched.

    Fetching works for every loop: one that yields new tokens, and one that only runs and returns nothing.
    """

    def __init__(self, config: SchedulerConfig, clock: Clock, lane: CpuLane) -> None:
        super().__init__(config, clock)
        self._lane = lane
        self._new_tokens: list[NewToken] = []

    def schedule(self) -> SchedulerOutput | None:
        """Make the next batch, as a span "schedule"."""
        with self._lane.span("schedule"):
            return super().schedule()

    def update_from_output(self, batch: SchedulerOutput, token_ids: Sequence[int]) -> list[NewToken]:
        """Take in a batch's tokens, as a span "process 3"."""
        with self._lane.span(f"process {batch.step}"):
            new_tokens = super().update_from_output(batch, token_ids)
        self._new_tokens += new_tokens
        return new_tokens

    def fetch(self) -> list[NewToken]:
        """Return the new tokens since the last call."""
        fetched, self._new_tokens = self._new_tokens, []
        return fetched


class TracedRunner:
    """A runner whose launches and waits are spans: "launch 3", "wait 3". `outputs` are its steps, as launched."""

    def __init__(self, runner: ModelRunner, lane: CpuLane) -> None:
        self.outputs: list[StepOutput] = []
        self._runner, self._lane = runner, lane

    def execute_model(self, batch: SchedulerOutput) -> TracedOutput:
        """Launch the batch and return at once."""
        with self._lane.span(f"launch {batch.step}"):
            output = self._runner.execute_model(batch)
        self.outputs.append(output)
        return TracedOutput(output, self._lane)


class TracedOutput:
    """The result of a launched batch, which may not be there yet."""

    def __init__(self, output: StepOutput, lane: CpuLane) -> None:
        self._output, self._lane = output, lane

    def wait(self) -> list[int]:
        """Wait for the batch, and return one sampled token per request."""
        with self._lane.span(f"wait {self._output.batch.step}"):
            return self._output.wait()
