"""Requests that decode together, advanced all at once: one count of steps stands for everybody's position.

While nobody joins or leaves, a step moves each of them on by one token. So a request only remembers what its position
was when the count stood at 0, and it is brought up to date when somebody looks at it. KV blocks are taken at the steps
and in the order in which the scheduler takes them: every `block_size` steps a request needs one.

>>> from mini_lib.scheduling import SchedulerConfig
>>> pool = RequestPool(SchedulerConfig(max_num_seqs=2, max_num_batched_tokens=8, block_size=4, num_blocks=9,
...                                    max_model_len=32))
>>> request = Request(0, (5, 0, 3), max_new_tokens=6, num_computed_tokens=3, block_ids=pool.blocks.take(1))
>>> request.token_ids.append(7)
>>> rows = DecodeRows(pool, block_size=4)
>>> rows.join(request)
>>> rows.steps_left(), rows.kv_tokens
(5, 3)
>>> rows.advance(2)
>>> rows.take_blocks()
>>> request.block_ids, rows.position_of(request), rows.kv_tokens
([1, 2], 5, 5)
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterator

from mini_lib.scheduling.request_pool import RequestPool, by_arrival
from mini_lib.scheduling.requests import Request

Taker = tuple[float, int, int, Request]  # (arrival, request id, number of blocks, request): sorts as the pool does


class DecodeRows:
    """The decoding requests of `pool`, with `steps` counting the steps since the first of them joined.

    `kv_tokens` sums the positions that they have in the KV cache.
    """

    def __init__(self, pool: RequestPool, block_size: int) -> None:
        self.steps = 0
        self.kv_tokens = 0
        self._pool, self._block_size = pool, block_size
        self._bases: dict[Request, int] = {}  # position, less `steps`: it does not change while they decode
        self._by_phase: list[list[Request]] = [[] for _ in range(block_size)]  # who takes a block at which step
        self._ends: list[tuple[int, float, int, Request]] = []  # a heap: the step after which somebody is complete
        self._blocks_taken_until = 0

    def __len__(self) -> int:
        return len(self._bases)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._bases)

    def position_of(self, request: Request) -> int:
        """Return how many tokens of `request` are computed."""
        return self._bases[request] + self.steps

    def steps_left(self) -> int:
        """Return how many steps all of them make together: after the last of these, somebody is complete."""
        return self._ends[0][0] - self.steps

    def join(self, request: Request) -> None:
        """Let `request` take part from the next step on."""
        position = request.num_computed_tokens
        base = self._bases[request] = position - self.steps
        self.kv_tokens += position
        insort(self._by_phase[-base % self._block_size], request, key=by_arrival)
        last = self.steps + request.max_new_tokens - request.num_output_tokens - request.num_in_flight
        heapq.heappush(self._ends, (last, request.arrival_us, request.request_id, request))

    def advance(self, num_steps: int) -> None:
        """Make `num_steps` steps, no more than `steps_left()`. Blocks are taken later."""
        self.kv_tokens += num_steps * len(self._bases)
        self.steps += num_steps

    def leave(self) -> list[Request]:
        """Return those who are complete, in order of arrival. They take part no more."""
        gone = []
        while self._ends and self._ends[0][0] == self.steps:
            request = heapq.heappop(self._ends)[-1]
            base = self._bases.pop(request)
            request.num_computed_tokens = base + self.steps
            self.kv_tokens -= base + self.steps
            self._by_phase[-base % self._block_size].remove(request)
            gone.append(request)
        return gone

    def affordable(self, num_steps: int) -> int:
        """Return how many of the next `num_steps` steps find enough free blocks. All blocks were taken until now."""
        free = len(self._pool.blocks)
        if len(self._bases) * (num_steps // self._block_size + 1) <= free:
            return num_steps
        for step in range(num_steps):
            free -= len(self._by_phase[(self.steps + step) % self._block_size])
            if free < 0:
                return step
        return num_steps

    def takers(self) -> list[Taker]:
        """Return who takes a block in the next step, in order of arrival."""
        phase = self._by_phase[self.steps % self._block_size]
        return [(request.arrival_us, request.request_id, 1, request) for request in phase]

    def took_blocks(self) -> None:
        """Note that the blocks of the next step were taken as `takers` says."""
        self._blocks_taken_until = self.steps + 1

    def take_blocks(self) -> None:
        """Take the blocks of all steps until now."""
        takers = [
            request
            for step in range(self._blocks_taken_until, self.steps)
            for request in self._by_phase[step % self._block_size]
        ]
        for request, block in zip(takers, self._pool.blocks.take(len(takers)), strict=True):
            request.block_ids.append(block)
        self._blocks_taken_until = max(self._blocks_taken_until, self.steps)
