"""The real scheduler, whose calls take time: what of a step's CPU time is not launching.

A profile knows `step_us` per step and `request_us` for each of its requests. Half of both is paid when a batch is made,
half when its tokens are taken in: scheduling and staging on one side, processing on the other. That they weigh the same
is assumed. A call that finds nothing to schedule is free.

A batch is made of who has arrived when the call begins, and tokens come when the call that takes them in ends.

Not modelled: that a long queue takes longer to look through, that memory is short.
"""

from __future__ import annotations

from collections.abc import Sequence

from mini_lib.scheduling import NewToken, Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.emissions import Emissions
from mini_lib.sim.sim_clock import SimClock
from mini_lib.timing import CPU, Span


class TimedScheduler(Scheduler):
    """A scheduler that decides as `Scheduler` does, moves `clock` on, and notes who got a token when.

    `spans`, unless it is None, takes "schedule" and "process 3", as `TracedScheduler` names them.
    """

    def __init__(
        self,
        config: SchedulerConfig,
        clock: SimClock,
        profile: DeviceProfile,
        spans: list[Span] | None = None,
    ) -> None:
        super().__init__(config, clock)
        self.emissions = Emissions()
        self._half_step_us, self._half_request_us = profile.step_us / 2, profile.request_us / 2
        self._time, self._spans = clock, spans

    def half_us(self, num_requests: int) -> float:
        """Return the half of a step's CPU time that one call takes."""
        return self._half_step_us + self._half_request_us * num_requests

    def schedule(self) -> SchedulerOutput | None:
        """Make the next batch, in half of the time of a step."""
        start_us = self._time.us
        batch = super().schedule()
        if batch is not None:
            self._pass("schedule", start_us, len(batch.requests))
        return batch

    def update_from_output(self, batch: SchedulerOutput, token_ids: Sequence[int]) -> list[NewToken]:
        """Take in a batch's tokens, in the other half."""
        new_tokens = super().update_from_output(batch, token_ids)
        self._pass(f"process {batch.step}", self._time.us, len(batch.requests))
        self.emissions.add(self._time.us, [new.request_id for new in new_tokens])
        return new_tokens

    def _pass(self, name: str, start_us: float, num_requests: int) -> None:
        self._time.us = start_us + self.half_us(num_requests)
        if self._spans is not None:
            self._spans.append(Span(CPU, name, start_us, self._time.us))
