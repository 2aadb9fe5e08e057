"""One call of `generate`: its requests, its scheduler, the event loop that serves them, and what is on record of it.

Every run has a scheduler of its own, so a run that fails leaves nothing behind: rows and KV blocks are numbers, and
the next run begins with all of them free. What is on the device stays, and is overwritten before it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mini_lib.engine.runner import ModelRunner
from mini_lib.engine.stats import EngineStats, stats_of
from mini_lib.engine.tracing import CpuLane, TracedRunner, TracedScheduler
from mini_lib.engine.wishes import Wish
from mini_lib.scheduling import NewToken, RequestStatus, Runner, Scheduler, SchedulerConfig
from mini_lib.timing import Span, Timeline
from mini_lib.timing.clocks import Clock

EventLoop = Callable[[Scheduler, Runner], Iterable[list[NewToken]] | None]


class EventLoopError(RuntimeError):
    """An event loop came to its end and left requests behind."""


class Run:
    """Serves a handful of requests to their end. `tokens` holds what each of them got so far, by request id."""

    def __init__(self, config: SchedulerConfig, runner: ModelRunner, event_loop: EventLoop, clock: Clock) -> None:
        self.scheduler = TracedScheduler(config, clock, lane := CpuLane())
        self.tokens: dict[int, list[int]] = {}
        self._traced_runner = TracedRunner(runner, lane)
        self._lane, self._runner, self._event_loop = lane, runner, event_loop
        self._gpu_spans: list[Span] = []

    def add(self, wish: Wish) -> None:
        """Add a request before the run begins. Raises `ValueError` for one that cannot be served."""
        request = self.scheduler.add_request(
            wish.prompt, wish.max_new_tokens, request_id=wish.request_id, arrival_us=wish.arrival_us
        )
        self.tokens[request.request_id] = []

    def serve(self) -> Iterator[NewToken]:
        """Run the event loop, and yield each token when it is processed. However it ends, the device is idle then.

        A loop that returns None has done everything by then, and its tokens come all at once.
        """
        try:
            for _ in self._event_loop(self.scheduler, self._traced_runner) or ():
                yield from self._new_tokens()
            yield from self._new_tokens()
            self._check_all_served()
        finally:
            self._runner.drain()
            self._gpu_spans = self._runner.policy.gpu_spans()

    @property
    def timeline(self) -> Timeline:
        """What CPU and GPU did in this run, in microseconds since its first span."""
        cpu = sorted(self._lane.spans, key=lambda span: span.start_us)
        if not cpu:
            return Timeline(())
        zero = cpu[0].start_us
        spans = [*cpu, *(span for span in self._gpu_spans if span.start_us >= zero)]
        return Timeline(Span(one.lane, one.name, one.start_us - zero, one.end_us - zero) for one in spans)

    @property
    def stats(self) -> EngineStats:
        """What happened in the steps whose tokens were read."""
        return stats_of(output.stats for output in self._traced_runner.outputs if output.stats is not None)

    def _new_tokens(self) -> Iterator[NewToken]:
        for new in self.scheduler.fetch():
            # Whoever got the token before this one may have aborted the request of this one.
            if self.scheduler.requests[new.request_id].status is not RequestStatus.FINISHED_ABORTED:
                self.tokens[new.request_id].append(new.token_id)
                yield new

    def _check_all_served(self) -> None:
        if self.scheduler.has_unfinished():
            left = [number for number, one in self.scheduler.requests.items() if not one.status.is_finished]
            raise EventLoopError(
                f"The event loop ended, and the requests {left} are not finished. A loop goes on while "
                "scheduler.has_unfinished(), and processes the last batch that it launched."
            )
