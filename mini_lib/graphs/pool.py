"""A graph's private memory: addresses that stay its own, and are handed out again while it is captured.

A pool asks the system for *segments* and cuts *blocks* out of them by the rules of torch's CUDACachingAllocator: sizes
are rounded up to 512 bytes, a segment has 2 MiB, 20 MiB or a multiple of 2 MiB, the tightest free block is taken, and
neighbouring free blocks melt together. A block is free again as soon as the last tensor on it is gone, *during* the
capture already; that is why a graph of forty layers needs the memory of about two, why graphs that share a pool may
overwrite each other's dropped outputs, and why the largest graph should be captured first.

>>> pool = Pool()
>>> lease = pool.allocate(num_bytes=1000, label="hidden")
>>> [(block.num_bytes, block.label, block.live) for block in pool.blocks()][0], pool.reserved_bytes
((1024, 'hidden', True), 2097152)
>>> del lease
>>> pool.allocated_bytes, pool.peak_bytes
(0, 1024)

Not modelled: other streams, expandable segments, fragmentation by other users of the GPU, giving segments back.
"""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import torch

MIB = 1024 * 1024
MIN_BLOCK_BYTES = 512  # every size is rounded up to a multiple of this
MAX_SMALL_BYTES = 1 * MIB  # up to here a block comes from a small segment
SMALL_SEGMENT_BYTES = 2 * MIB
LARGE_SEGMENT_BYTES = 20 * MIB
MIN_OWN_SEGMENT_BYTES = 10 * MIB  # from here a block gets a segment of its own size
POISON_BYTE = 0xFF  # NaN in every float type, -1 in every signed integer

PoolHandle = tuple[int, int]
Lease = Any  # a ctypes array over the block's bytes: a Python object that dies when the last tensor on it dies


class Block(NamedTuple):
    """A stretch of a pool as a person sees it: `offset` counts from the pool's first byte, over all its segments."""

    offset: int
    num_bytes: int
    label: str
    live: bool


class _Stretch:
    """A block inside its segment, linked to nothing: the segment keeps its stretches in order of address."""

    __slots__ = ("label", "live", "num_bytes", "start")

    def __init__(self, start: int, num_bytes: int) -> None:
        self.start, self.num_bytes, self.label, self.live = start, num_bytes, "", False


class Segment:
    """One piece of memory from the system, cut into stretches. `offset` is its place in the pool."""

    def __init__(self, num_bytes: int, offset: int) -> None:
        self.memory = torch.empty(num_bytes, dtype=torch.uint8)  # untouched pages cost nothing on Linux
        self.address = self.memory.data_ptr()
        self.num_bytes, self.offset = num_bytes, offset
        self.is_small = num_bytes == SMALL_SEGMENT_BYTES
        self.stretches = [_Stretch(0, num_bytes)]

    def take(self, stretch: _Stretch, num_bytes: int, label: str) -> None:
        """Make `stretch` live, after cutting off what it does not need if the rest is worth keeping."""
        rest = stretch.num_bytes - num_bytes
        if rest >= (MIN_BLOCK_BYTES if self.is_small else MAX_SMALL_BYTES + 1):
            after = _Stretch(stretch.start + num_bytes, rest)
            self.stretches.insert(self.stretches.index(stretch) + 1, after)
            stretch.num_bytes = num_bytes
        stretch.live, stretch.label = True, label

    def release(self, stretch: _Stretch) -> None:
        """Free `stretch` and melt it together with free neighbours. Its bytes stay as they are, as on a GPU."""
        stretch.live = False
        at = self.stretches.index(stretch)
        for left in (at, at - 1):
            if 0 <= left < len(self.stretches) - 1:
                first, second = self.stretches[left : left + 2]
                if not first.live and not second.live:
                    first.num_bytes += second.num_bytes
                    del self.stretches[left + 1]


class Pool:
    """The private memory of one graph, or of several that share it. `handle` is what `graph(..., pool=)` takes."""

    def __init__(self, handle: PoolHandle | None = None) -> None:
        self.handle = handle or (next(_next_handle), 0)  # as torch numbers the pools of single graphs
        self.segments: list[Segment] = []
        self.allocated_bytes = 0
        self.peak_bytes = 0
        _pool_of_handle[self.handle] = self

    @property
    def reserved_bytes(self) -> int:
        """Bytes asked from the system: what nvidia-smi would show."""
        return sum(segment.num_bytes for segment in self.segments)

    def allocate(self, num_bytes: int, label: str = "") -> Lease:
        """Return a buffer of `num_bytes` > 0 poisoned bytes. Its block is free again when the buffer is garbage."""
        rounded = -(-num_bytes // MIN_BLOCK_BYTES) * MIN_BLOCK_BYTES
        segment, stretch = self._tightest(rounded) or self._grow(rounded)
        segment.take(stretch, rounded, label)
        segment.memory[stretch.start : stretch.start + num_bytes].fill_(POISON_BYTE)
        self.allocated_bytes += stretch.num_bytes
        self.peak_bytes = max(self.peak_bytes, self.allocated_bytes)
        lease = _buffer_type(num_bytes).from_address(segment.address + stretch.start)
        # The finalizer holds the segment, so memory outlives the pool as long as anybody holds a tensor on it.
        weakref.finalize(lease, self._release, segment, stretch).atexit = False
        return lease

    def find(self, address: int) -> Segment | None:
        """Return the segment that holds `address`, or None when the address is not from this pool."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.num_bytes:
                return segment
        return None

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks, live and free, in order of address."""
        for segment in self.segments:
            for s in segment.stretches:
                yield Block(segment.offset + s.start, s.num_bytes, s.label if s.live else "", s.live)

    def _release(self, segment: Segment, stretch: _Stretch) -> None:
        self.allocated_bytes -= stretch.num_bytes
        segment.release(stretch)

    def _tightest(self, num_bytes: int) -> tuple[Segment, _Stretch] | None:
        small = num_bytes <= MAX_SMALL_BYTES
        fitting = [
            (stretch.num_bytes, segment.offset + stretch.start, segment, stretch)
            for segment in self.segments
            if segment.is_small == small
            for stretch in segment.stretches
            if not stretch.live and stretch.num_bytes >= num_bytes
        ]
        return min(fitting, key=lambda fit: fit[:2])[2:] if fitting else None

    def _grow(self, num_bytes: int) -> tuple[Segment, _Stretch]:
        segment = Segment(_segment_bytes(num_bytes), offset=self.reserved_bytes)
        self.segments.append(segment)
        return segment, segment.stretches[0]


def graph_pool_handle() -> PoolHandle:
    """Return a name for a pool that graphs may share. The pool itself begins with the first capture into it."""
    return (0, next(_next_handle))


def pool_of(handle: PoolHandle) -> Pool:
    """Return the pool behind `handle`, a new one if no graph that lives was captured into it."""
    return _pool_of_handle.get(handle) or Pool(handle)


def segment_at(address: int) -> Segment | None:
    """Return the segment of any living pool that holds `address`, or None."""
    found = (pool.find(address) for pool in list(_pool_of_handle.values()))
    return next((segment for segment in found if segment is not None), None)


def _segment_bytes(num_bytes: int) -> int:
    if num_bytes <= MAX_SMALL_BYTES:
        return SMALL_SEGMENT_BYTES
    if num_bytes < MIN_OWN_SEGMENT_BYTES:
        return LARGE_SEGMENT_BYTES
    return -(-num_bytes // SMALL_SEGMENT_BYTES) * SMALL_SEGMENT_BYTES


@lru_cache(maxsize=4096)
def _buffer_type(num_bytes: int) -> type[ctypes.Array[ctypes.c_char]]:
    """Return a class of its own: plain ctypes arrays cannot be weakly referenced."""
    return type("Lease", (ctypes.c_char * num_bytes,), {})


_next_handle = itertools.count(1)
# As in torch, a handle is only a name: the pool lives as long as a graph that was captured into it.
_pool_of_handle: weakref.WeakValueDictionary[PoolHandle, Pool] = weakref.WeakValueDictionary()
