"""Run a workload on the fake device in virtual time, and check all that must hold of any run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mini_lib.scheduling import NewToken, Scheduler, SchedulerOutput, Workload
from mini_lib.timing import VirtualClock
from tests.scheduling.fake_device import Event, FakeDevice, generate

STEP_US = 10.0
Loop = Callable[[Any, Any], Iterator[list[NewToken]]]


class WatchedScheduler(Scheduler):
    """Notes what is processed, and when a step is made; fails where a loop asks again and again for nothing."""

    def __init__(self, config: Any, clock: VirtualClock, log: list[Event]) -> None:
        super().__init__(config, clock)
        self._virtual, self._log, self._in_vain = clock, log, 0

    def schedule(self) -> SchedulerOutput | None:
        self._virtual.advance_us(STEP_US)
        batch = super().schedule()
        self._in_vain = 0 if batch else self._in_vain + 1
        assert self._in_vain < 3, "the loop spins: three times in a row there was nothing to schedule"
        for one in batch.requests if batch else ():
            assert self.requests[one.request_id].arrival_us <= self._virtual.now_us(), "it has not arrived yet"
        return batch

    def update_from_output(self, batch: SchedulerOutput, token_ids: Any) -> list[NewToken]:
        news = super().update_from_output(batch, token_ids)
        self._log.append(("process", batch.step))
        self._in_vain = 0
        return news

    def wait_for_arrival(self) -> None:
        super().wait_for_arrival()
        self._in_vain = 0


@dataclass
class Run:
    """What became of a workload."""

    workload: Workload
    scheduler: Scheduler
    device: FakeDevice
    log: list[Event]
    news: list[NewToken] = field(default_factory=list)
    news_by_yield: list[int] = field(default_factory=list)  # how many tokens each yield of the loop brought

    def answer(self, number: int) -> list[int]:
        """The tokens that request `number` got to see."""
        return [new.token_id for new in self.news if new.request_id == number]

    def expected(self, number: int) -> list[int]:
        """The tokens that it must see."""
        one, stop = self.workload.requests[number], self.workload.scheduler_config.stop_token_id
        return generate(one.prompt, one.max_new_tokens, self.device.vocab_size, stop)

    def num_samples(self, number: int) -> int:
        """How often a token was sampled for it."""
        return sum(one.samples for batch in self.device.batches for one in batch.requests if one.request_id == number)

    @property
    def num_retractions(self) -> int:
        return sum(request.num_retractions for request in self.scheduler.requests.values())

    @property
    def overlapped(self) -> list[bool]:
        """For each step but the first, whether it was launched before the one before it was processed."""
        at = {event: place for place, event in enumerate(self.log)}
        return [at["launch", step] < at["process", step - 1] for step in range(1, len(self.device.batches))]


def run(
    workload: Workload,
    loop: Loop,
    *,
    vocab_size: int = 13,
    gate: bool = True,
    aborts: Mapping[int, int] | None = None,
) -> Run:
    """Run `workload` to its end. `aborts` maps a count of yields to the request that is aborted right after it."""
    log: list[Event] = []
    config = workload.scheduler_config
    scheduler = WatchedScheduler(config, VirtualClock(), log)
    done = Run(workload, scheduler, FakeDevice(config, vocab_size, log, gate=gate), log)
    for one in workload.requests:
        scheduler.add_request(one.prompt, one.max_new_tokens, arrival_us=one.arrival_us)
    aborted: set[int] = set()
    for count, news in enumerate(loop(scheduler, done.device), start=1):
        assert not aborted & {new.request_id for new in news}, "something was emitted after an abort"
        done.news += news
        done.news_by_yield.append(len(news))
        if aborts and count in aborts:
            scheduler.abort(aborts[count])
            aborted.add(aborts[count])
    return done


def check(done: Run) -> None:
    """All tokens are those of each request alone, each finishes once, and everything that was lent is back."""
    config, scheduler = done.workload.scheduler_config, done.scheduler
    finishes = Counter(new.request_id for new in done.news if new.finish_reason)
    for number, request in scheduler.requests.items():
        answer, expected = done.answer(number), done.expected(number)
        assert answer == request.output_token_ids
        if request.status.value == "abort":
            assert answer == expected[: len(answer)] and not finishes[number]
            continue
        assert answer == expected, f"request {number} of {done.workload.name}"
        reason = "stop" if answer and answer[-1] == config.stop_token_id else "length"
        assert request.status.value == reason
        last = [new.finish_reason for new in done.news if new.request_id == number][-1:]
        assert finishes[number] == bool(answer) and last == [reason] * bool(answer)
        # A stop is seen one step late; a length is known ahead of time. A retraction drops at most what is in flight.
        late = 1 if reason == "stop" else 0
        assert len(answer) <= done.num_samples(number) <= len(answer) + late + request.num_retractions
    assert not scheduler.has_unfinished()
    assert (scheduler.free_rows, scheduler.free_blocks) == (config.max_num_seqs, config.usable_blocks)
    steps = list(range(len(done.device.batches)))
    assert [step for what, step in done.log if what == "process"] == steps, "each batch is processed once, in order"
