"""A device that computes later, in order, and exactly: what a student's loop drives in lab 7.

Launching puts a batch into a queue. Nothing runs until somebody waits for a batch, and then only that batch and those
before it. The model is a hash: every token writes an entry to the KV cache, and the next token is a hash of *all*
entries of its request, read through its blocks. So a wrong token, order, position, block or row changes what follows.

Between two steps a token waits on the device: in a place of its own, or in a ring of a fixed number of places, which
the device then hands out in turn, one to each request of each batch.

On a GPU the queue is the forward stream. Not modelled: several streams, attention, rounding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from mini_lib.scheduling import FUTURE_TOKEN, ScheduledRequest, SchedulerOutput

VOCAB = 13  # small, so that stop tokens come up; token 0 is one of them
_MASK = (1 << 61) - 1


def kv_entry(token: int, position: int) -> int:
    """Return what a token at a position leaves in the cache."""
    return ((token + 3) * 2654435761 + (position + 1) * 40503) & _MASK


def next_token(entries: Sequence[int]) -> int:
    """Return the token after these entries, in order of position."""
    mixed = 17
    for entry in entries:
        mixed = (mixed * 1000003 + entry) & _MASK
    return (mixed >> 7) % VOCAB


def alone(prompt: Sequence[int], max_new_tokens: int, stop_token_id: int | None) -> list[int]:
    """Return the tokens that a request gets when nobody else is there: no scheduler, no blocks, no device."""
    entries = [kv_entry(token, position) for position, token in enumerate(prompt)]
    tokens: list[int] = []
    while len(tokens) < max_new_tokens and (not tokens or tokens[-1] != stop_token_id):
        tokens.append(next_token(entries))
        entries.append(kv_entry(tokens[-1], len(entries)))
    return tokens


class Read(NamedTuple):
    """A token that waited on the device and was read: which one was wanted, and which one was there."""

    step: int
    request_id: int
    wanted: int  # tokens are numbered in the order in which places were handed out, from 0
    there: int
    handed_out: int  # places, from the wanted one on, itself included

    @property
    def is_lost(self) -> bool:
        """Whether another token had taken its place."""
        return self.there != self.wanted


class VirtualDevice:
    """The queue of launched batches, the KV cache, and the tokens that wait for the next step.

    `num_places` makes the tokens wait in a ring; without it each has a place of its own.
    """

    def __init__(self, block_size: int, num_places: int | None = None) -> None:
        self._block_size, self._num_places = block_size, num_places
        self._queue: deque[SchedulerOutput] = deque()
        self._cache: dict[int, int] = {}  # slot -> entry
        self._newest: dict[int, int] = {}  # row -> number of the token that it sampled last
        self._waiting: dict[int, tuple[int, int]] = {}  # place -> number of the token there, and the token
        self._num_sampled = 0
        self.reads: list[Read] = []
        self.tokens: dict[int, list[int]] = {}  # step -> sampled tokens, of batches that have run

    def launch(self, batch: SchedulerOutput) -> None:
        """Put `batch` into the queue. Nothing runs."""
        self._queue.append(batch)

    def run_through(self, step: int) -> list[int]:
        """Run all batches up to `step`, if they have not run, and return the tokens that `step` sampled."""
        while step not in self.tokens:
            batch = self._queue.popleft()
            self.tokens[batch.step] = self._run(batch)
        return self.tokens[step]

    def _run(self, batch: SchedulerOutput) -> list[int]:
        sampled = [self._sample(request, batch.step) for request in batch.requests]
        for request, token in zip(batch.requests, sampled, strict=True):
            self._waiting[self._place(self._num_sampled)] = (self._num_sampled, token)
            self._newest[request.row] = self._num_sampled
            self._num_sampled += 1
        return sampled

    def _sample(self, request: ScheduledRequest, step: int) -> int:
        end = request.start + len(request.token_ids)
        for position, token in enumerate(request.token_ids, start=request.start):
            known = self._read(request, step) if token == FUTURE_TOKEN else token
            self._cache[self._slot(request, position)] = kv_entry(known, position)
        return next_token([self._cache[self._slot(request, position)] for position in range(end)])

    def _read(self, request: ScheduledRequest, step: int) -> int:
        wanted = self._newest[request.row]
        there, token = self._waiting[self._place(wanted)]
        self.reads.append(Read(step, request.request_id, wanted, there, self._num_sampled - wanted))
        return token

    def _place(self, number: int) -> int:
        return number if self._num_places is None else number % self._num_places

    def _slot(self, request: ScheduledRequest, position: int) -> int:
        block, offset = divmod(position, self._block_size)
        return request.block_ids[block] * self._block_size + offset
