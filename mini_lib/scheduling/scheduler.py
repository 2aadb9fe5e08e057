"""The scheduler: continuous batching with chunked prefill, one step ahead of what it knows.

Every step makes a new batch: whoever finished is gone, whoever arrived may join, and a long prompt comes in pieces so
that it does not keep the others waiting. `schedule` makes a batch and `update_from_output` reads its tokens; between
the two, another batch may be made and launched. It holds `FUTURE_TOKEN` where a token is not known yet. The end of a
request by its length is known ahead of time, so it is not launched again; a stop token is seen one step late, and what
was launched beyond it is dropped.

A result is read as of its launch: the scheduler remembers who was in the batch, and in which of his lives.

Not modelled: priorities, prefix caching, speculative decoding, sampling parameters, beams.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import NamedTuple

from mini_lib.scheduling.batch import NewToken, SchedulerOutput
from mini_lib.scheduling.config import SchedulerConfig
from mini_lib.scheduling.planning import Share, plan_batch
from mini_lib.scheduling.refusals import refuse_what_cannot_run
from mini_lib.scheduling.request_pool import RequestPool
from mini_lib.scheduling.requests import Request, RequestStatus
from mini_lib.timing.clocks import Clock, WallClock


class Launched(NamedTuple):
    """A request as it was when its batch was launched."""

    request: Request
    num_retractions: int  # tells its lives apart: a retraction makes it forget what is in flight
    samples: bool


class Scheduler:
    """Decides who runs next, and owns all requests. It knows no device: rows and KV blocks are numbers to it.

    >>> scheduler = Scheduler(
    ...     SchedulerConfig(max_num_seqs=2, max_num_batched_tokens=8, block_size=4, num_blocks=9, max_model_len=32)
    ... )
    >>> request = scheduler.add_request([5, 0, 3], max_new_tokens=2)
    >>> batch = scheduler.schedule()
    >>> batch.requests[0].token_ids, batch.uniform_decode
    ((5, 0, 3), False)
    >>> scheduler.update_from_output(batch, [11])
    [NewToken(request_id=0, token_id=11, finish_reason=None)]
    >>> scheduler.schedule().requests[0].token_ids
    (11,)
    """

    def __init__(self, config: SchedulerConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.requests: dict[int, Request] = {}  # all that were ever added, by id
        self._clock = clock or WallClock()
        self._pool = RequestPool(config)
        self._launched: dict[int, tuple[Launched, ...]] = {}  # by step, in order of launch, until processed
        self._num_steps = 0
        self._looked_at_us = -math.inf

    @property
    def free_rows(self) -> int:
        """Rows that nobody owns: `max_num_seqs` once everything is finished."""
        return len(self._pool.rows)

    @property
    def free_blocks(self) -> int:
        """KV blocks that nobody owns: all but the null block once everything is finished."""
        return len(self._pool.blocks)

    def add_request(
        self, prompt: Sequence[int], max_new_tokens: int, *, request_id: int | None = None, arrival_us: float = 0.0
    ) -> Request:
        """Return a new request for `max_new_tokens` tokens after `prompt`, which runs from `arrival_us` on.

        A request for 0 tokens is finished at once, and nothing is ever emitted for it.

        Raises:
            ValueError: the prompt is empty or holds a negative id, `max_new_tokens` is negative, the id is taken, or
                prompt and answer fit neither into the context nor into all KV blocks.
        """
        number = len(self.requests) if request_id is None else operator.index(request_id)
        while request_id is None and number in self.requests:
            number += 1
        request = Request(number, tuple(map(operator.index, prompt)), operator.index(max_new_tokens), arrival_us)
        if number in self.requests:
            raise ValueError(f"request {number} was added before: an id is used once. Leave it out to get a new one.")
        refuse_what_cannot_run(request, self.config)
        self.requests[number] = request
        if request.max_new_tokens:
            self._pool.add(request)
        else:
            request.status = RequestStatus.FINISHED_LENGTH
        return request

    def schedule(self) -> SchedulerOutput | None:
        """Return the next batch, and count its tokens as computed; None when nobody can run now.

        Nobody can run where nobody has arrived, or where all that is left to do is in flight.
        """
        for request in self._pool.running:
            # As in SGLang: a row's next input is settled by the first batch after its own. A decode that has to let
            # prompts go first still reads its token on the device when its turn comes.
            if request.num_in_flight:
                request.reads_future = True
        self._looked_at_us = self._clock.now_us()
        plan = plan_batch(self._pool, self.config, self._looked_at_us)
        return self._launch(plan) if plan else None

    def update_from_output(self, batch: SchedulerOutput, token_ids: Sequence[int]) -> list[NewToken]:
        """Take in the tokens that `batch` sampled, one per request in its order, and return what users get to see.

        Dropped are the tokens of prompts' pieces, of requests that ended since, and of those retracted since.

        Raises:
            ValueError: `batch` is not the oldest one in flight, or `token_ids` has another length.
        """
        self._check_result(batch, token_ids)
        launched = self._launched.pop(batch.step)
        return [
            new
            for one, token_id in zip(launched, token_ids, strict=True)
            if (new := self._take_in(one, token_id)) is not None
        ]

    def abort(self, request_id: int) -> None:
        """End a request now: its row and KV blocks come free, and nothing more is emitted. Twice is once.

        Raises:
            ValueError: there is no such request.
        """
        if request_id not in self.requests:
            raise ValueError(f"there is no request {request_id} to abort: it was never added.")
        request = self.requests[request_id]
        if not request.status.is_finished:
            self._pool.finish(request, RequestStatus.FINISHED_ABORTED)

    def has_unfinished(self) -> bool:
        """Whether any request waits or runs. A batch may be in flight when none does: its tokens will be dropped."""
        return bool(self._pool.waiting or self._pool.running)

    def wait_for_arrival(self) -> None:
        """Wait until the next request arrives. For an idle loop: nothing can run, and nothing is in flight.

        Raises:
            RuntimeError: nobody is about to arrive, so waiting would never end.
        """
        waiting = self._pool.waiting
        # Compared with the time at which schedule() looked: somebody may have arrived since, and then all is well.
        if not waiting or waiting[0].arrival_us <= self._looked_at_us or self._launched:
            raise RuntimeError(self._stuck())
        self._clock.wait_until_us(waiting[0].arrival_us)

    def _launch(self, plan: Sequence[Share]) -> SchedulerOutput:
        """Count the shares as computed, and remember who they were."""
        uniform_decode = not any(request.is_prefilling for request, _ in plan)
        brought = tuple([request.launch(num_tokens) for request, num_tokens in plan])
        batch = SchedulerOutput(self._num_steps, brought, uniform_decode)
        self._launched[batch.step] = tuple(
            [
                tuple.__new__(Launched, (request, request.num_retractions, one.samples))
                for (request, _), one in zip(plan, brought, strict=True)
            ]
        )
        self._num_steps += 1
        return batch

    def _take_in(self, launched: Launched, token_id: int) -> NewToken | None:
        """Append a sampled token to its request; None where it belongs to nobody who wants it."""
        request = launched.request
        of_this_life = request.num_retractions == launched.num_retractions and not request.status.is_finished
        if not (launched.samples and of_this_life):
            return None
        request.num_in_flight -= 1
        request.token_ids.append(token_id)
        status = self._status_after(request, token_id)
        if not status.is_finished:
            return tuple.__new__(NewToken, (request.request_id, token_id, None))  # a third of the time of NewToken()
        self._pool.finish(request, status)
        return NewToken(request.request_id, token_id, status.value)

    def _status_after(self, request: Request, token_id: int) -> RequestStatus:
        if token_id == self.config.stop_token_id:
            return RequestStatus.FINISHED_STOPPED
        if request.num_output_tokens == request.max_new_tokens:
            return RequestStatus.FINISHED_LENGTH
        return request.status

    def _check_result(self, batch: SchedulerOutput, token_ids: Sequence[int]) -> None:
        oldest = next(iter(self._launched), None)
        if batch.step != oldest:
            there_is = "nothing is in flight" if oldest is None else f"the oldest in flight is batch {oldest}"
            raise ValueError(f"batch {batch.step} was processed, and {there_is}. Process each once, in launch order.")
        if len(token_ids) != len(batch.requests):
            raise ValueError(
                f"batch {batch.step} has {len(batch.requests)} requests, and {len(token_ids)} tokens came back for it: "
                "one per request, padded rows cut off."
            )

    def _stuck(self) -> str:
        if self._launched:
            return f"batches {list(self._launched)} are in flight: process their results before you wait for arrivals."
        if not self._pool.waiting:
            return "nobody is about to arrive: there is nothing to wait for."
        return (
            f"request {self._pool.waiting[0].request_id} has arrived and nothing is in flight: call schedule(), "
            "it is not time that is missing."
        )
