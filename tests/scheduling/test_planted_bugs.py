"""Our own checks are worth what they catch: each bug below is planted into the library, and must be found.

The bugs are those of production and of wrong loops: most of them only one or two of the five families see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mini_lib.scheduling import FAMILIES, NewToken, RequestStatus, Scheduler, event_loop_normal, event_loop_overlap
from mini_lib.scheduling import planning as planning_module
from mini_lib.scheduling.free_list import FreeList
from mini_lib.scheduling.request_pool import RequestPool
from mini_lib.scheduling.requests import Request
from tests.scheduling.runs import Loop, check, run

NUM_SEEDS = 12
Patch = pytest.MonkeyPatch


def families_that_find(loop: Loop, *, must_overlap: bool = False) -> set[str]:
    """Return the families in which some run fails in some way."""
    return {name for name in FAMILIES if any(_fails(name, seed, loop, must_overlap) for seed in range(NUM_SEEDS))}


def _fails(name: str, seed: int, loop: Loop, must_overlap: bool) -> bool:
    policy = ("mixed", "prefill_first")[seed % 2]
    try:
        done = run(FAMILIES[name](seed, policy=policy), loop)
        check(done)
        return must_overlap and sum(done.overlapped) < 0.5 * len(done.overlapped)
    except (AssertionError, ValueError, RuntimeError, KeyError, IndexError, StopIteration):
        return True


# --- wrong loops


def never_flushes(scheduler: Any, runner: Any) -> Iterator[list[NewToken]]:
    in_flight = None
    while (batch := scheduler.schedule()) is not None:
        launched = batch, runner.execute_model(batch)
        if in_flight:
            yield scheduler.update_from_output(in_flight[0], in_flight[1].wait())
        in_flight = launched


def waits_in_launch(scheduler: Any, runner: Any) -> Iterator[list[NewToken]]:
    in_flight = None
    while in_flight or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch).wait()) if batch else None
        if in_flight:
            yield scheduler.update_from_output(*in_flight)
        elif not launched:
            scheduler.wait_for_arrival()
        in_flight = launched


def processes_first(scheduler: Any, runner: Any) -> Iterator[list[NewToken]]:
    in_flight = None
    while in_flight or scheduler.has_unfinished():
        if in_flight:
            yield scheduler.update_from_output(in_flight[0], in_flight[1].wait())
        batch = scheduler.schedule()
        if batch is None and scheduler.has_unfinished():
            scheduler.wait_for_arrival()
        in_flight = (batch, runner.execute_model(batch)) if batch else None


def last_in_first_out(scheduler: Any, runner: Any) -> Iterator[list[NewToken]]:
    in_flight: deque[Any] = deque()
    while in_flight or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch:
            in_flight.append((batch, runner.execute_model(batch)))
        if in_flight and (len(in_flight) > 1 or not batch):
            before, output = in_flight.pop()
            yield scheduler.update_from_output(before, output.wait())
        elif not batch:
            scheduler.wait_for_arrival()


def spins_while_idle(scheduler: Any, runner: Any) -> Iterator[list[NewToken]]:
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch:
            yield scheduler.update_from_output(batch, runner.execute_model(batch).wait())


@pytest.mark.parametrize(
    ("loop", "by"),
    [
        (never_flushes, "length_skip"),
        (waits_in_launch, "gated"),
        (processes_first, "gated"),
        (last_in_first_out, "random"),
        (spins_while_idle, "random"),
        (event_loop_normal, "gated"),
    ],
)
def test_a_wrong_overlap_loop_is_found(loop, by):
    assert by in families_that_find(loop, must_overlap=True)


@pytest.mark.parametrize("loop", [event_loop_overlap])
def test_the_right_overlap_loop_is_not(loop):
    assert not {"gated", "chunk_heavy"} & families_that_find(loop, must_overlap=True)
    assert not families_that_find(loop)


# --- wrong schedulers


def emits_overshoot(patch: Patch) -> None:
    right = Scheduler._take_in

    def wrong(self: Scheduler, launched: Any, token_id: int) -> NewToken | None:
        if launched.request.status.is_finished:
            return NewToken(launched.request.request_id, token_id, None)
        return right(self, launched, token_id)

    patch.setattr(Scheduler, "_take_in", wrong)


def emits_pieces(patch: Patch) -> None:
    right = Scheduler._take_in
    patch.setattr(Scheduler, "_take_in", lambda self, one, token: right(self, one._replace(samples=True), token))


def appends_for_the_retracted(patch: Patch) -> None:
    right = Scheduler._take_in

    def wrong(self: Scheduler, launched: Any, token_id: int) -> NewToken | None:
        return right(self, launched._replace(num_retractions=launched.request.num_retractions), token_id)

    patch.setattr(Scheduler, "_take_in", wrong)


def ignores_stops(patch: Patch) -> None:
    right = Scheduler._status_after

    def wrong(self: Scheduler, request: Request, token_id: int) -> RequestStatus:
        return right(self, request, -7 if request.num_output_tokens > 1 else token_id)

    patch.setattr(Scheduler, "_status_after", wrong)


def reads_the_running_requests_instead_of_the_launched(patch: Patch) -> None:
    right = Scheduler.update_from_output

    def wrong(self: Scheduler, batch: Any, token_ids: Any) -> list[NewToken]:
        now = [request for request in self._pool.running if not request.is_prefilling]
        self._launched[batch.step] = tuple(
            one._replace(request=now[place] if place < len(now) else one.request)
            for place, one in enumerate(self._launched[batch.step])
        )
        return right(self, batch, token_ids)

    patch.setattr(Scheduler, "update_from_output", wrong)


def lets_the_finished_run_on(patch: Patch) -> None:
    """Whoever stopped leaves with every other step only."""
    right_finish, right_schedule = RequestPool.finish, Scheduler.schedule
    late: list[Request] = []

    def finish(self: RequestPool, request: Request, status: RequestStatus) -> None:
        if status is RequestStatus.FINISHED_STOPPED:
            request.status = status
            late.append(request)
        else:
            right_finish(self, request, status)

    def schedule(self: Scheduler) -> Any:
        if self._num_steps % 2 == 0:
            while late:
                self._pool._release(late.pop())
        return right_schedule(self)

    patch.setattr(RequestPool, "finish", finish)
    patch.setattr(Scheduler, "schedule", schedule)


def leaks_blocks(patch: Patch) -> None:
    right = RequestPool.finish

    def wrong(self: RequestPool, request: Request, status: RequestStatus) -> None:
        if status is RequestStatus.FINISHED_STOPPED:
            request.block_ids.pop()
        right(self, request, status)

    patch.setattr(RequestPool, "finish", wrong)


def frees_an_overshoot_again(patch: Patch) -> None:
    right_finish, right_take_in = RequestPool.finish, Scheduler._take_in
    freed: dict[Request, list[int]] = {}

    def finish(self: RequestPool, request: Request, status: RequestStatus) -> None:
        freed[request] = request.block_ids
        right_finish(self, request, status)

    def take_in(self: Scheduler, launched: Any, token_id: int) -> NewToken | None:
        if launched.request.status.is_finished:
            self._pool.blocks.give_back(freed[launched.request])
        return right_take_in(self, launched, token_id)

    patch.setattr(RequestPool, "finish", finish)
    patch.setattr(Scheduler, "_take_in", take_in)


def keeps_a_retracted_row(patch: Patch) -> None:
    right = RequestPool.retract

    def wrong(self: RequestPool, request: Request) -> None:
        right(self, request)
        self.rows.take()

    patch.setattr(RequestPool, "retract", wrong)


def does_not_recompute(patch: Patch) -> None:
    def wrong(self: Request) -> None:
        self.num_in_flight = 0
        self.num_computed_tokens = max(0, len(self.token_ids) - 1)
        self.num_retractions += 1

    patch.setattr(Request, "forget", wrong)


def forgets_half(patch: Patch) -> None:
    def wrong(self: Request) -> None:
        self.num_computed_tokens = self.num_in_flight = 0
        self.num_retractions += 1

    patch.setattr(Request, "forget", wrong)


def skips_the_last_token(patch: Patch) -> None:
    patch.setattr(Request, "is_complete", property(lambda self: self.num_output_tokens + self.num_in_flight + 1 >=
                                                   self.max_new_tokens > 1))  # fmt: skip


def never_skips(patch: Patch) -> None:
    patch.setattr(Request, "is_complete", property(lambda self: False))


def counts_at_processing(patch: Patch) -> None:
    right = Request.launch

    def wrong(self: Request, num_tokens: int) -> Any:
        brought = right(self, num_tokens)
        self.num_in_flight = 0
        return brought

    patch.setattr(Request, "launch", wrong)


def gives_the_newest_token_it_knows(patch: Patch) -> None:
    right = Request.launch

    def wrong(self: Request, num_tokens: int) -> Any:
        brought = right(self, num_tokens)
        return brought._replace(token_ids=tuple(self.token_ids[-1] if t < 0 else t for t in brought.token_ids))

    patch.setattr(Request, "launch", wrong)


def turns_the_block_table_round(patch: Patch) -> None:
    right = RequestPool.grow

    def wrong(self: RequestPool, request: Request, num_tokens: int) -> bool:
        granted = right(self, request, num_tokens)
        request.block_ids.reverse()
        return granted

    patch.setattr(RequestPool, "grow", wrong)


def gives_out_a_block_twice(patch: Patch) -> None:
    def wrong(self: FreeList, count: int = 1) -> list[int]:
        taken = self._free[len(self._free) - count :][::-1]
        self._taken.update(taken)
        self._free = self._free[: len(self._free) - max(0, count - 1)] if count else self._free
        return taken

    patch.setattr(FreeList, "take", wrong)


def lets_everybody_in_early(patch: Patch) -> None:
    right = RequestPool.admit
    patch.setattr(RequestPool, "admit", lambda self, now_us: right(self, 1e9))


def retracts_the_oldest(patch: Patch) -> None:
    right = RequestPool.retract
    patch.setattr(RequestPool, "retract", lambda self, request: right(self, self.running[0]))


def spends_more_than_the_budget(patch: Patch) -> None:
    patch.setattr(planning_module._Step, "_piece", lambda self, one: one.num_prefill_tokens - one.num_computed_tokens)


@pytest.mark.parametrize(
    ("plant", "by"),
    [
        (emits_overshoot, {"random", "gated"}),
        (emits_pieces, {"chunk_heavy"}),
        (appends_for_the_retracted, {"retract"}),
        (ignores_stops, {"random", "gated"}),
        (reads_the_running_requests_instead_of_the_launched, {"random", "length_skip"}),
        (lets_the_finished_run_on, {"random", "gated"}),
        (leaks_blocks, {"random", "gated"}),
        (frees_an_overshoot_again, {"random", "gated"}),
        (keeps_a_retracted_row, {"retract"}),
        (does_not_recompute, {"retract"}),
        (forgets_half, {"retract"}),
        (skips_the_last_token, {"length_skip"}),
        (never_skips, {"length_skip"}),
        (counts_at_processing, {"gated"}),
        (gives_the_newest_token_it_knows, {"gated"}),
        (turns_the_block_table_round, {"gated"}),
        (gives_out_a_block_twice, {"gated"}),
        (lets_everybody_in_early, {"random"}),
        (retracts_the_oldest, {"retract"}),
        (spends_more_than_the_budget, {"chunk_heavy"}),
    ],
)
def test_a_wrong_scheduler_is_found(plant: Callable[[Patch], None], by: set[str], monkeypatch: Patch):
    plant(monkeypatch)
    found = families_that_find(event_loop_overlap)
    assert by <= found, f"found by {sorted(found)} alone"
