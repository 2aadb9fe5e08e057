"""Launches batches and returns at once: what of a step the CPU has to do, and who waits for whom.

`execute_model` writes the batch into host memory, chooses its graph, and makes two launches: the schedule stream
fetches the batch, the forward stream runs the step. Three edges keep them apart, and each is a bug when it is missing:

- the forward stream waits for the copy: it must not compute on the batch before it is there;
- the copy waits for the last step: it must not overwrite static inputs that are still being read;
- the CPU waits for the tokens of the batch before last, before it writes into that batch's host memory again.

The third never waits in practice, since the event loop has read those tokens already. So a step's tokens are waited for
in one place alone, `StepOutput.wait`, and until then the CPU is free.

Not modelled: copying tokens back on a stream of its own, which lets the next step begin a little earlier.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode
from mini_lib.engine.device_step import DeviceStep, StepPlan
from mini_lib.engine.staging import StagingSet
from mini_lib.engine.stats import StepStats
from mini_lib.graphs.policies import StreamPolicy, WorkEvent
from mini_lib.scheduling.batch import SchedulerOutput


class StepOutput:
    """The tokens of a launched step, which may not be there yet."""

    def __init__(self, batch: SchedulerOutput, plan: StepPlan, staged: StagingSet, done: WorkEvent) -> None:
        self.batch, self.plan = batch, plan
        self._staged, self._done = staged, done
        self._tokens: list[int] | None = None
        self.stats: StepStats | None = None

    def wait(self) -> list[int]:
        """Wait for the step, and return one sampled token per request, in the order of the batch."""
        if self._tokens is None:
            self._done.synchronize()  # this step's own event: a later step may run on
            self._tokens = _numbers(self._staged.sampled[: self.plan.num_requests])
            self.stats = self._read_stats()
        return self._tokens

    def _read_stats(self) -> StepStats:
        sizes = (self.plan.num_requests, self.plan.num_tokens, self.plan.descriptor.num_tokens)
        return StepStats(self.batch.step, self.plan.mode, *sizes, *_numbers(self._staged.launches))


class ModelRunner:
    """Runs batches on a device.

    Args:
        step: the device's half.
        staging: host memory, one set per batch that may be on its way at once.
        dispatcher: turns (number of tokens, only decoding?) into (mode, key of the graph).
        policy: what plays the device: streams, events, launches.
        max_model_len: how far attention looks inside a full graph, whatever the batch.
    """

    def __init__(
        self,
        step: DeviceStep,
        staging: Sequence[StagingSet],
        dispatcher: CudagraphDispatcher,
        policy: StreamPolicy,
        max_model_len: int,
    ) -> None:
        self.dispatcher, self.policy, self.max_model_len = dispatcher, policy, max_model_len
        self._staging = staging
        self._in_flight: list[StepOutput | None] = [None] * len(staging)
        self._next = 0
        self._closed = False
        self._copy_in, self._run = policy.kernel(step.copy_in), policy.kernel(step.run)
        self._schedule, self._forward = policy.stream("schedule"), policy.stream("forward")

    def start(self) -> None:
        """Begin to take batches: from here on the device is told everything by launches."""
        self.policy.start()
        self._inputs_read = self._forward.record_event()

    def execute_model(self, batch: SchedulerOutput) -> StepOutput:
        """Launch the batch and return at once."""
        place = self._free_staging()
        self._staging[place].write(batch)
        plan = self._plan(batch, place)

        self._schedule.wait_event(self._inputs_read)  # the last step may still read the static inputs
        self._schedule.launch(self._copy_in, plan, name=f"copy in {batch.step}")
        copied = self._schedule.record_event()

        self._forward.wait_event(copied)
        self._forward.launch(self._run, plan, name=f"step {batch.step}")
        self._inputs_read = done = self._forward.record_event()  # a new event each step: the old one stays what it was

        output = StepOutput(batch, plan, self._staging[place], done)
        self._in_flight[place] = output
        return output

    def drain(self) -> None:
        """Wait for everything that was launched, whoever wanted its tokens. An error of the device is raised here."""
        if not self._closed:
            self.policy.synchronize()
        self._in_flight = [None] * len(self._staging)

    def close(self) -> None:
        """Let the device go. What it has not computed by now, it never will."""
        self._closed = True
        self.policy.close()

    def _plan(self, batch: SchedulerOutput, place: int) -> StepPlan:
        mode, descriptor = self.dispatcher.dispatch(batch.num_tokens, batch.uniform_decode)
        longest = max(request.start + len(request.token_ids) for request in batch.requests)
        sees = self.max_model_len if mode is CUDAGraphMode.FULL else longest  # a graph keeps the number of its capture
        return StepPlan(place, batch.num_tokens, len(batch.requests), mode, descriptor, sees)

    def _free_staging(self) -> int:
        """Return the staging set whose turn it is, once its last batch has been fetched and its tokens read."""
        place, self._next = self._next, (self._next + 1) % len(self._staging)
        before = self._in_flight[place]
        if before is not None:
            before.wait()
        return place


def _numbers(host: Tensor) -> list[int]:
    """Return what stands in host memory: no device is asked."""
    numbers: list[int] = host.tolist()
    return numbers
