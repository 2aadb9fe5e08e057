"""The same loops, without looking at everybody in every step: a simulation that leaps from event to event.

Between two events (somebody arrives, is complete, stops, or memory runs short) a step changes nothing but positions:
everybody who decodes moves on by one. A leap therefore keeps one count for all of them (`DecodeRows`), and computes a
step's time from sums: how many rows, how many positions in the KV cache. Prompts that come in on the way ride along,
and whoever is complete leaves; requests are brought up to date when the leap ends. Then the real scheduler goes on.

It is exact: the same additions in the same order. Times, tokens, padding, modes, and the state of every request, row
and block are those of stepping, bit for bit. What it does not understand it leaves to the scheduler: memory that runs
short, stop tokens, requests that were retracted, and under "prefill_first" all prompts.

Not modelled: timelines. Who wants to see single steps, steps.
"""

from __future__ import annotations

from collections.abc import Iterator

from mini_lib.scheduling import NewToken
from mini_lib.sim.fast_forward.leap import Leap
from mini_lib.sim.fast_forward.open_scheduler import OpenScheduler
from mini_lib.sim.fast_forward.state import InFlight
from mini_lib.sim.fast_forward.stops import Stops
from mini_lib.sim.runner import SimRunner


class Leaps:
    """Makes leaps of one loop, again and again."""

    def __init__(self, scheduler: OpenScheduler, runner: SimRunner, *, overlaps: bool) -> None:
        self._scheduler, self._runner, self._overlaps = scheduler, runner, overlaps
        self._stops = Stops(scheduler.config.stop_token_id, runner.token_at)

    def leap(self, in_flight: InFlight | None = None) -> InFlight | None:
        """Make as many steps as a leap understands, perhaps none; return what is in flight then."""
        leap = Leap(self._scheduler, self._runner, self._stops, overlaps=self._overlaps)
        return leap.run(in_flight)


def fast_loop_normal(scheduler: OpenScheduler, runner: SimRunner) -> Iterator[list[NewToken]]:
    """Run `event_loop_normal` with leaps: yield the new tokens of the steps that were made one by one."""
    leaps = Leaps(scheduler, runner, overlaps=False)
    while leaps.leap() or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        output = runner.execute_model(batch)
        yield scheduler.update_from_output(batch, output.wait())


def fast_loop_overlap(scheduler: OpenScheduler, runner: SimRunner) -> Iterator[list[NewToken]]:
    """Run `event_loop_overlap` with leaps: yield the new tokens of the steps that were made one by one."""
    leaps, in_flight = Leaps(scheduler, runner, overlaps=True), None
    while (in_flight := leaps.leap(in_flight)) or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if in_flight:
            before, output = in_flight
            yield scheduler.update_from_output(before, output.wait())
        elif not launched:
            scheduler.wait_for_arrival()
        in_flight = launched
