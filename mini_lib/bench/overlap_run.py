"""One run of an event loop whose every moment is on record: the CPU really works, another process plays the GPU.

The batches come from the library's own scheduler: `batch_size` requests of one prompt token each, which decode
together. On top of what that costs (the lane "scheduler" has it alone), the CPU spins for the wanted time, as heavier
scheduling would. The GPU's time is a timed wait in the worker of the `process` policy: it takes no core from the CPU,
as a GPU takes none. Both event loops are the library's; neither knows that it is measured.

Not modelled: that GPU time grows with the batch; contention for memory; a model. Tokens mean nothing here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple

from mini_lib.engine.tracing import CpuLane
from mini_lib.graphs.policies import Kernel, WorkEvent, WorkStream, stream_policy
from mini_lib.scheduling import NewToken, Runner, Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.timing import Timeline

EventLoop = Callable[[Scheduler, Runner], Iterator[list[NewToken]]]
BLOCK_SIZE = 16
SCHEDULER = "scheduler"  # the lane of the scheduler's own work: parts of the CPU's spans, without the spinning
SPANS_OF_A_BATCH = ("schedule", "launch", "compute", "process")  # each followed by the number of the batch
TOKEN = 7  # what every request samples at every step


class Load(NamedTuple):
    """What a run consists of. The times are what is asked for; what it took is in the spans."""

    num_batches: int
    batch_size: int
    scheduling_ms: float
    compute_ms: float
    postprocess_ms: float


class BusyScheduler(Scheduler):
    """The library's scheduler, which after each call keeps its CPU busy for as long as the load wants."""

    def __init__(self, load: Load, lane: CpuLane) -> None:
        super().__init__(_config(load))
        self._load, self._lane = load, lane
        for _ in range(load.batch_size):
            self.add_request([TOKEN], load.num_batches)

    def schedule(self) -> SchedulerOutput | None:
        """Make the next batch, as a span "schedule 3"."""
        start_ns = time.perf_counter_ns()
        batch = super().schedule()
        if batch is not None:
            self._lane.note(f"schedule {batch.step}", start_ns, SCHEDULER)
            spin(self._load.scheduling_ms)
            self._lane.note(f"schedule {batch.step}", start_ns)
        return batch

    def update_from_output(self, batch: SchedulerOutput, token_ids: Sequence[int]) -> list[NewToken]:
        """Take in a batch's tokens, as a span "process 3"."""
        start_ns = time.perf_counter_ns()
        new_tokens = super().update_from_output(batch, token_ids)
        self._lane.note(f"process {batch.step}", start_ns, SCHEDULER)
        spin(self._load.postprocess_ms)
        self._lane.note(f"process {batch.step}", start_ns)
        return new_tokens


class TimedOutput(NamedTuple):
    """The tokens of a batch that the worker is still waiting for."""

    event: WorkEvent
    num_requests: int

    def wait(self) -> list[int]:
        """Wait for the worker."""
        self.event.synchronize()
        return [TOKEN] * self.num_requests


class TimedRunner:
    """Launches one timed wait per batch."""

    def __init__(self, stream: WorkStream, compute: Kernel, load: Load, lane: CpuLane) -> None:
        self._stream, self._compute, self._load, self._lane = stream, compute, load, lane

    def execute_model(self, batch: SchedulerOutput) -> TimedOutput:
        """Launch the batch and return at once, as a span "launch 3"."""
        start_ns = time.perf_counter_ns()
        self._stream.launch(self._compute, self._load.compute_ms, name=f"compute {batch.step}")
        output = TimedOutput(self._stream.record_event(), len(batch.requests))
        self._lane.note(f"launch {batch.step}", start_ns)
        return output


class TimedGpu:
    """A worker that waits for as long as it is told, and the runs that it has played the GPU in.

    Raises:
        RuntimeError: no worker can be forked here; the message says what to do.
    """

    def __init__(self) -> None:
        self._policy = stream_policy("process")
        self._compute = self._policy.kernel(wait_ms)
        self._stream = self._policy.stream("forward")

    def __enter__(self) -> TimedGpu:
        self._policy.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._policy.close()

    def run(self, event_loop: EventLoop, load: Load) -> Timeline:
        """Return what CPU and GPU did and when, from the first call to the last."""
        lane = CpuLane()
        scheduler = BusyScheduler(load, lane)
        runner = TimedRunner(self._stream, self._compute, load, lane)
        for _ in event_loop(scheduler, runner):
            pass
        gpu = [span for span in self._policy.gpu_spans() if span.start_us >= lane.spans[0].start_us]
        return Timeline([*lane.spans, *gpu])


def spin(milliseconds: float) -> None:
    """Keep one core busy."""
    until_ns = time.perf_counter_ns() + int(milliseconds * 1e6)
    while time.perf_counter_ns() < until_ns:
        pass


def wait_ms(milliseconds: float) -> None:
    """Let time pass without a core: the GPU's share of the load."""
    time.sleep(milliseconds / 1e3)


def _config(load: Load) -> SchedulerConfig:
    num_tokens = load.num_batches + 1
    return SchedulerConfig(
        max_num_seqs=load.batch_size,
        max_num_batched_tokens=load.batch_size,
        block_size=BLOCK_SIZE,
        num_blocks=load.batch_size * -(-num_tokens // BLOCK_SIZE) + 1,
        max_model_len=num_tokens,
    )
