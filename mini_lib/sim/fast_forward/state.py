"""What a leap takes over from a scheduler when it begins, and what it writes back when it ends.

In between, requests that decode are one count (`DecodeRows`); those that ingest a prompt are as the scheduler knows
them. Rows, blocks and the lists of the pool are the scheduler's own all the time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from mini_lib.scheduling.batch import FUTURE_TOKEN, ScheduledRequest, SchedulerOutput
from mini_lib.scheduling.request_pool import by_arrival
from mini_lib.scheduling.requests import Request
from mini_lib.sim.fast_forward.open_scheduler import OpenScheduler
from mini_lib.sim.fast_forward.rows import DecodeRows
from mini_lib.sim.fast_forward.stops import NEVER, Stops
from mini_lib.sim.runner import SimOutput, SimRunner

InFlight = tuple[SchedulerOutput, SimOutput]


class Step(NamedTuple):
    """A launched step whose tokens were not taken in. Everybody who decodes is in it, and those named here."""

    number: int
    num_requests: int
    done_us: float
    prompts: tuple[tuple[Request, ScheduledRequest], ...] = ()  # what prompts brought
    first_seen: tuple[Request, ...] = ()  # who gets a token from it, and got none from the step before in this leap
    complete: tuple[Request, ...] = ()  # whose last token it samples, in the order of the batch
    emits: bool = True  # whether anybody gets a token


class LeapState:
    """The state of a scheduler between two steps, in the form in which a leap moves it on.

    Args:
        scheduler: between two steps of its loop.
        runner: whose device has launched what is in flight.
        stops: where answers stop.
        overlaps: whether a step is taken in after the next is launched.
    """

    def __init__(self, scheduler: OpenScheduler, runner: SimRunner, stops: Stops, *, overlaps: bool) -> None:
        self.scheduler, self.runner, self.stops, self.overlaps = scheduler, runner, stops, overlaps
        self.config, self.pool, self.time = scheduler.config, scheduler.pool, scheduler.time
        self.rows = DecodeRows(self.pool, self.config.block_size)
        self.ingesting: list[Request] = []
        self.entered: tuple[Request, ...] = ()  # who decodes from the start, until the first step is launched
        self.in_flight: Step | None = None
        self.wake_us = math.inf  # when the first who waits may be let in
        self.stops_at = NEVER  # the number of steps of `rows` before which somebody's stop token is sampled
        self.takes_prompts = self.config.policy == "mixed" and not stops.possible

    @property
    def is_plain(self) -> bool:
        """Whether what is in flight was made of those who decode now, and brings nobody's first token or last."""
        flying = self.in_flight
        if flying is None:
            return not self.entered
        alike = flying.num_requests == len(self.rows) and flying.emits
        return alike and not (flying.complete or flying.first_seen or flying.prompts)

    def enter(self, in_flight: InFlight | None) -> bool:
        """Take the state over; False where a leap would not understand it."""
        running = self.pool.running
        self.ingesting = [request for request in running if request.is_prefilling]
        decoding = [request for request in running if not (request.is_prefilling or request.is_complete)]
        if self.ingesting and not self.takes_prompts:
            return False
        if self.overlaps and not self._read(in_flight):
            return False
        if any(request.num_in_flight != self.overlaps for request in decoding):
            return False
        self.entered = () if self.overlaps else tuple(decoding)
        for request in decoding:
            self.join(request)
        self.look_at_waiting()
        return True

    def join(self, request: Request) -> None:
        """Let `request` decode with the others."""
        self.rows.join(request)
        steps = self.stops.position_of(request) - 1 - request.num_computed_tokens
        self.stops_at = min(self.stops_at, self.rows.steps + steps)

    def look_at_waiting(self) -> None:
        """Find out when the first who waits arrives; never, where he has no room before somebody is complete."""
        self.wake_us = math.inf
        if self.pool.waiting and self.pool.has_room_for(self.pool.waiting[0]):
            self.wake_us = self.pool.waiting[0].arrival_us

    def write_down(self, request: Request, num_in_flight: int) -> None:
        """Give `request` the tokens and the moments that it has by now."""
        known = len(request.token_ids)
        request.token_ids += self.stops.tokens(request, known, request.num_computed_tokens + 1 - num_in_flight)
        request.num_in_flight = num_in_flight
        self.scheduler.emissions.reach(request.request_id)

    def leave(self) -> InFlight | None:
        """Bring every request up to date, and return what is in flight as the loop would hold it."""
        flying = self.in_flight
        unseen = set(flying.first_seen) if flying else set()  # nothing of theirs was taken in yet
        for request in self.rows:
            request.num_computed_tokens = self.rows.position_of(request)
        for request in (*self.rows, *(flying.complete if flying else ())):
            if request not in unseen:
                self.write_down(request, num_in_flight=int(self.overlaps))
        return self._batch(flying) if flying else None

    def _read(self, in_flight: InFlight | None) -> bool:
        """Read what is in flight as a step; False where some of its tokens belong to nobody who wants them."""
        if in_flight is None:
            return not self.pool.running
        batch, output = in_flight
        launched = self.scheduler.in_flight(batch.step)
        samplers = tuple(one.request for one in launched if one.samples)
        complete = tuple(request for request in samplers if request.is_complete)
        self.in_flight = Step(batch.step, len(launched), output.done_us, (), samplers, complete, bool(samplers))
        lives = all(one.request.num_retractions == one.num_retractions for one in launched)
        ends = any(one.request.status.is_finished for one in launched)
        stops = any(self.stops.position_of(one) <= one.num_computed_tokens for one in samplers)
        return lives and not ends and not stops

    def _batch(self, step: Step) -> InFlight:
        """Return `step` as a batch and its output, and let the scheduler know it."""
        prompts = {request for request, _ in step.prompts}
        decoding = (request for request in (*self.rows, *step.complete) if request not in prompts)
        brought = [*step.prompts, *((request, _decode_of(request)) for request in decoding)]
        brought.sort(key=lambda pair: by_arrival(pair[0]))
        batch = SchedulerOutput(step.number, tuple(one for _, one in brought), uniform_decode=not prompts)
        self.scheduler.take_over(batch, brought)
        return batch, SimOutput(self.runner, batch, step.done_us)


def _decode_of(request: Request) -> ScheduledRequest:
    """Return what `request` brought to the step that computed its last position."""
    place = request.num_computed_tokens - 1
    blocks = tuple(request.block_ids)
    return ScheduledRequest(request.request_id, request.row, place, (FUTURE_TOKEN,), blocks, samples=True)
