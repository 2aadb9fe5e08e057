"""The tester's side of a student's event loop: it owns the scheduler, the device, the clock and the log.

A loop asks, the desk answers and writes down. It knows the rules of both loops, so a call that breaks one ends the run
with a sentence: a loop that would wait for ever on a GPU is told so here, and nobody waits. Time is virtual: `schedule`
and `update_from_output` take the CPU a while, a step takes the GPU a while, and everything else takes none.

The gate: in a run of the overlap loop, step n + 1 may not compute before step n was processed. Whoever waits for
step n + 1 before that waits for himself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mini_lib.labs.lab07 import loop_sentences as say
from mini_lib.labs.lab07.findings import Fault
from mini_lib.labs.lab07.virtual_device import VirtualDevice
from mini_lib.scheduling import Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.timing import CPU, GPU, Span
from mini_lib.timing.clocks import VirtualClock

MAX_CALLS = 5_000  # ten times what a right loop needs; each is a question to another process where a class is graded


class Costs(NamedTuple):
    """What a step takes, in microseconds: the CPU to make its batch, the GPU, the CPU to process its tokens."""

    schedule_us: float = 200.0
    gpu_us: float = 600.0
    process_us: float = 150.0


COSTS = Costs()


class Desk:
    """Answers the calls of one run. `log` and `spans` are what happened, `first_fault` what was wrong with it."""

    def __init__(self, config: SchedulerConfig, *, overlap: bool, costs: Costs = COSTS) -> None:
        self.overlap, self.costs = overlap, costs
        self.clock = VirtualClock()
        self.scheduler = Scheduler(config, self.clock)
        self.device = VirtualDevice(config.block_size)
        self.log: list[str] = []
        self.spans: list[Span] = []
        self.first_fault: Fault | None = None
        self.not_overlapped: list[Fault] = []
        self.made: list[SchedulerOutput] = []  # by step
        self.launched = self.processed = 0  # how many steps; both go in order
        self._waited: set[int] = set()
        self._nones = self._calls = 0  # in a row, and in all
        self._asked_since_launch = False
        self._gpu_end_us: list[float] = []

    @property
    def in_flight(self) -> int:
        """Steps that were launched and not processed."""
        return self.launched - self.processed

    def ask(self, name: str, *args: Any) -> Any:
        """Answer one call; a broken rule ends the run, however often it is asked again."""
        if self.first_fault is not None:
            raise self.first_fault
        self._calls += 1
        try:
            if self._calls > MAX_CALLS:
                raise say.never_ends(MAX_CALLS)
            return getattr(self, f"_{name}")(*args)
        except Fault as fault:
            self.first_fault = fault
            raise

    def _has_unfinished(self) -> bool:
        return self.scheduler.has_unfinished()

    def _schedule(self) -> int | None:
        if len(self.made) > self.launched:
            raise say.not_launched(self.launched)
        if self.in_flight > self.overlap:
            raise say.too_many_in_flight(self.in_flight, self.processed, overlap=self.overlap)
        self._asked_since_launch = True
        batch = self.scheduler.schedule()
        self._nones = 0 if batch else self._nones + 1
        if batch is None:
            self.log.append("schedule: None")
            self._require_patience()
            return None
        self.made.append(batch)
        self.log.append(f"schedule {batch.step}")
        self._spend(f"schedule {batch.step}", self.costs.schedule_us)
        return batch.step + 1  # a handle is true, like a batch

    def _require_patience(self) -> None:
        if self._nones < 3:
            return
        if not self.scheduler.has_unfinished() and not self.in_flight:
            raise say.goes_on()
        raise say.asks_in_vain(self.processed if self.in_flight else None)

    def _execute_model(self, batch: Any) -> None:
        if batch is None:
            raise say.launches_none()
        if not self._is_step(batch, len(self.made)) or batch - 1 != self.launched:
            raise say.launches_another(batch, self.launched)
        step, now_us = self.launched, self.clock.now_us()
        self.device.launch(self.made[step])
        start_us = max([now_us, *self._gpu_end_us[-1:]])
        self._gpu_end_us.append(start_us + self.costs.gpu_us)
        self.spans.append(Span(GPU, f"step {step}", start_us, self._gpu_end_us[step]))
        self.log.append(f"launch {step}")
        self.launched += 1
        self._asked_since_launch = False

    def _wait(self, batch: int) -> list[int]:
        step = batch - 1
        if self.overlap and step == self.launched - 1 and step > self.processed:
            raise say.deadlock(step)
        if self._could_launch_more(step):
            self.not_overlapped.append(say.waits_before_launch(step))
        self.clock.wait_until_us(self._gpu_end_us[step])
        self._waited.add(step)
        self.log.append(f"wait {step}")
        return list(self.device.run_through(step))

    def _update_from_output(self, batch: Any, token_ids: Any) -> list[Any]:
        step = self._step_to_process(batch)
        self._require_tokens(step, token_ids)
        if self._could_launch_more(step):
            self.not_overlapped.append(say.processes_first(step))
        new_tokens = self.scheduler.update_from_output(self.made[step], token_ids)
        self._nones = 0
        self.processed += 1
        self._spend(f"process {step}", self.costs.process_us)
        self.log.append(f"process {step}")
        return [list(new_token) for new_token in new_tokens]

    def _step_to_process(self, batch: Any) -> int:
        if batch is None or not self._is_step(batch, len(self.made)):
            raise say.processes_none(batch)
        step: int = batch - 1
        if step >= self.launched:
            raise say.processes_unlaunched(step)
        if step < self.processed:
            raise say.processes_twice(step)
        if step > self.processed:
            raise say.out_of_order(step, self.processed)
        return step

    def _require_tokens(self, step: int, token_ids: Any) -> None:
        if not isinstance(token_ids, list | tuple) or not all(type(token) is int for token in token_ids):
            raise say.no_tokens(step, token_ids)
        right = self.device.tokens.get(step)
        if step not in self._waited or list(token_ids) != right:
            raise say.tokens_of_another(step, sorted(self._waited))

    def _wait_for_arrival(self) -> None:
        if self.in_flight:
            raise say.sleeps_on_a_step(self.processed)
        if not self._nones:
            raise say.sleeps_without_asking()
        if not self.scheduler.has_unfinished():
            raise say.goes_on()
        self.log.append("wait for arrival")
        self._nones = 0
        self.scheduler.wait_for_arrival()

    def _could_launch_more(self, step: int) -> bool:
        """Tell whether a batch is made and not launched, or may be there and nobody has asked since `step`."""
        if not self.overlap or step != self.launched - 1:
            return False
        return len(self.made) > self.launched or (not self._asked_since_launch and self.scheduler.has_unfinished())

    def _is_step(self, batch: Any, num_steps: int) -> bool:
        return type(batch) is int and 1 <= batch <= num_steps

    def _spend(self, name: str, us: float) -> None:
        start_us = self.clock.now_us()
        self.clock.advance_us(us)
        self.spans.append(Span(CPU, name, start_us, self.clock.now_us()))
