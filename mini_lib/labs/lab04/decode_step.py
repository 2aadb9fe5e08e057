"""Proof that padded rows do no harm: a small decode step, captured on the CPU twin and replayed on poison.

The step is exact: its numbers are whole and small enough for a float64, so a replay must equal eager bit for bit.
Poison is NaN with the number of its slot in the payload, so that a slot that was touched shows, and so does a row that
read one. Each graph is replayed twice: once with the batch's own context in place, to see what the live rows and the
cache come to; once with everything poisoned that a padded row must not touch, to see what the padded rows read.

The cache is laid out plainly: slot 0 is the null slot, and request r owns the slots 8r - 7 to 8r. Row 0 of the table
is the padding row: all of its entries are the null slot.

Not modelled: pages of more than one token, heads, layers, and a sampler; nothing here mixes rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mini_lib.graphs import recorder

FIELDS = ("input_ids", "positions", "slot_mapping", "seq_lens", "req_pool_indices")
NUM_REQUESTS, MAX_LEN, VOCAB = 16, 8, 50
NUM_SLOTS = NUM_REQUESTS * MAX_LEN + 1
POISON_BITS = 0x7FF8_0000_0000_0000  # a quiet NaN; the low bits carry the number of the slot

Batch = dict[str, list[int]]


def _poison() -> Tensor:
    """Return a cache in which every slot is a NaN that knows its number, but the null slot, which holds -7."""
    slots = (torch.arange(NUM_SLOTS) + POISON_BITS).view(torch.float64)
    slots[0] = -7.0
    return slots


def _table() -> Tensor:
    """Return the slots of each request, shape [requests + 1, 8]; row 0 is padding."""
    owned = torch.arange(1, NUM_SLOTS).view(NUM_REQUESTS, MAX_LEN)
    return torch.cat([torch.zeros(1, MAX_LEN, dtype=torch.int64), owned])


@dataclass(frozen=True)
class Memory:
    """What a decode step reads and writes beside its batch: cache and position table stay where they are."""

    cache: Tensor = field(default_factory=_poison)
    rotary: Tensor = field(default_factory=lambda: torch.arange(3.0, 3.0 + MAX_LEN, dtype=torch.float64))
    embedding: Tensor = field(default_factory=lambda: torch.arange(VOCAB, dtype=torch.float64) * 11 + 5)
    table: Tensor = field(default_factory=_table)
    place: Tensor = field(default_factory=lambda: torch.arange(MAX_LEN))

    def fill(self, batch: Batch) -> None:
        """Put the context of `batch` into the cache, distinct numbers in each slot, and poison everywhere else."""
        self.cache.copy_(_poison())
        self.rotary.copy_(torch.arange(3.0, 3.0 + MAX_LEN, dtype=torch.float64))
        for request, length in zip(batch["req_pool_indices"], batch["seq_lens"], strict=True):
            earlier = self.table[request, : length - 1]
            self.cache[earlier] = earlier.double() * 17 + 2

    def poison_all(self) -> None:
        """Poison all that a padded row must not touch: every slot but the null slot, every position but 0."""
        self.cache.copy_(_poison())
        self.rotary[1:] = float("nan")


def decode_step(rows: dict[str, Tensor], memory: Memory) -> Tensor:
    """Write each row's own entry into the cache, then return a weighted mean over the row's context, shape [rows]."""
    hidden = memory.embedding[rows["input_ids"]] * 31 + memory.rotary[rows["positions"]]
    memory.cache[rows["slot_mapping"]] = hidden
    slots = memory.table[rows["req_pool_indices"]]
    seen = memory.place < rows["seq_lens"][:, None]
    context = torch.where(seen, memory.cache[slots], torch.zeros((), dtype=torch.float64))
    return (context * (memory.place + 1)).sum(1) / seen.sum(1) + hidden


@dataclass(frozen=True)
class Captured:
    """The decode step recorded for one size, with its static buffers."""

    graph: Any
    buffers: dict[str, Tensor]
    memory: Memory
    output: Tensor


@cache
def _captured(size: int) -> Captured:
    memory, buffers = Memory(), {name: torch.ones(size, dtype=torch.int64) for name in FIELDS}
    graph = recorder.CUDAGraph()
    with recorder.graph(graph):
        output = decode_step(buffers, memory)
    return Captured(graph, buffers, memory, output)


class OutsideTable(IndexError):
    """A row of the batch looks up an entry that its table does not have."""


@dataclass(frozen=True)
class Replay:
    """What came of the captured step: outputs of all rows, the cache's slots afterwards, and outputs on poison."""

    outputs: Tensor
    slots: Tensor
    on_poison: Tensor


def eager(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return outputs and cache after the unpadded step: what a replay has to equal."""
    memory = Memory()
    memory.fill(batch)
    return decode_step({name: torch.tensor(batch[name]) for name in FIELDS}, memory), memory.cache


def replay(padded: Batch, batch: Batch) -> Replay:
    """Copy `padded` into the static buffers of its size and replay, first on the context of `batch`, then on poison.

    Raises:
        OutsideTable: an index of `padded` is outside its table; on a GPU that is a device-side assert.
    """
    step = _captured(len(padded["input_ids"]))
    for name in FIELDS:
        step.buffers[name].copy_(torch.tensor(padded[name]))
    step.memory.fill(batch)
    try:
        step.graph.replay()
    except (IndexError, RuntimeError) as error:
        raise OutsideTable(str(error).splitlines()[0]) from error
    outputs, slots = step.output.clone(), step.memory.cache.clone()
    step.memory.poison_all()
    step.graph.replay()
    return Replay(outputs, slots, step.output.clone())


def changed_slots(mine: Tensor, right: Tensor) -> list[int]:
    """Return the slots, but the null slot, whose bits differ: NaN is compared by its payload."""
    differ: list[int] = (mine.view(torch.int64) != right.view(torch.int64)).nonzero().flatten().tolist()
    return [slot for slot in differ if slot != 0]
