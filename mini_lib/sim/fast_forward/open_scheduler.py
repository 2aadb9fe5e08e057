"""The timed scheduler with its state in the open, for a leap that takes it over between two steps."""

from __future__ import annotations

from collections.abc import Sequence

from mini_lib.scheduling.batch import ScheduledRequest, SchedulerOutput
from mini_lib.scheduling.request_pool import RequestPool
from mini_lib.scheduling.requests import Request
from mini_lib.scheduling.scheduler import Launched
from mini_lib.sim.sim_clock import SimClock
from mini_lib.sim.timed_scheduler import TimedScheduler


class OpenScheduler(TimedScheduler):
    """A scheduler whose pool, clock, step counter and batches in flight may be moved on by somebody else."""

    @property
    def pool(self) -> RequestPool:
        """Who waits, who runs, and what is free."""
        return self._pool

    @property
    def time(self) -> SimClock:
        """The clock of the CPU."""
        return self._time

    @property
    def num_steps(self) -> int:
        """The number that the next step will have."""
        return self._num_steps

    def skip_steps(self, count: int) -> None:
        """Count steps that somebody else made."""
        self._num_steps += count

    def in_flight(self, step: int) -> tuple[Launched, ...]:
        """Return who was in the batch of `step`, which was launched and not processed."""
        return self._launched[step]

    def take_over(self, batch: SchedulerOutput, brought: Sequence[tuple[Request, ScheduledRequest]]) -> None:
        """Know `batch`, which somebody else launched, in place of what was in flight before."""
        self._launched.clear()
        self._launched[batch.step] = tuple(
            Launched(request, request.num_retractions, one.samples) for request, one in brought
        )
