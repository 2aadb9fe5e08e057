"""The ladder of sizes that have a CUDA graph, and what it costs to round a batch up to it.

A graph is recorded for one number of rows and replays exactly those. A batch of 5 rows therefore rides in the
graph for 8: three rows are computed and thrown away. A batch above the largest size has no graph and runs eagerly,
unpadded. Few sizes make start-up short and memory small; many sizes make the rounding small.

Not modelled: one ladder per mode (vLLM keeps FULL and PIECEWISE apart), LoRA cases, data-parallel ranks that agree.

>>> sizes = CaptureSizes([8, 1, 4, 2])
>>> sizes.pad(5), sizes.pad(9)
(8, None)
>>> padding_waste(sizes, {5: 1, 8: 1})  # 3 of 16 computed rows are padding
0.1875
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from mini_lib.withheld import withheld_in


class Ladder(Protocol):
    """What is asked of a ladder of sizes; `CaptureSizes` is one, and a student's own may be another."""

    def __iter__(self) -> Iterator[int]: ...

    def pad(self, num_tokens: int) -> int | None:
        """Return the smallest size that holds `num_tokens`, or None to run eagerly."""


@dataclass(frozen=True, init=False)
class CaptureSizes:
    """The ladder of batch sizes that have a graph, in tokens. Larger batches run eagerly.

    Takes any whole numbers from 1 up, sorts them and drops repeats, as vLLM 0.33.0 does with a user's list.
    An empty ladder is legal: no batch has a graph.

    >>> CaptureSizes([1, 2, 4, 8]).largest
    8
    """

    sizes: tuple[int, ...]

    def __init__(self, sizes: Iterable[int]) -> None:
        object.__setattr__(self, "sizes", tuple(sorted({_one_size(size) for size in sizes})))

    @property
    def largest(self) -> int:
        """The largest size, 0 for an empty ladder: a batch above it runs eagerly."""
        return self.sizes[-1] if self.sizes else 0

    @withheld_in("lab04")
    def pad(self, num_tokens: int) -> int | None:
        """Return the smallest size that holds `num_tokens`, or None when none does: run that batch eagerly.

        Raises:
            ValueError: `num_tokens` is below 1. An empty batch runs nothing, with or without a graph.
        """
        if num_tokens < 1:
            raise ValueError(f"cannot pad a batch of {num_tokens} tokens: it holds at least 1. Skip an empty step.")
        # bisect_left and not bisect_right: a batch of exactly 8 rides in the graph for 8, not in the next one.
        place = bisect_left(self.sizes, num_tokens)
        return self.sizes[place] if place < len(self.sizes) else None

    def __iter__(self) -> Iterator[int]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __repr__(self) -> str:
        return f"CaptureSizes({list(self.sizes)})"


def as_ladder(sizes: Ladder | Iterable[int]) -> Ladder:
    """Return `sizes` itself if it pads, else `CaptureSizes` of these numbers."""
    return cast("Ladder", sizes) if hasattr(sizes, "pad") else CaptureSizes(sizes)


@withheld_in("lab04")
def padding_waste(sizes: Iterable[int], histogram: Mapping[int, int]) -> float:
    """Return the share of computed rows that is padding, from 0 to below 1.

    `histogram` says how many batches had how many tokens: `{5: 100, 8: 20}` is 100 batches of 5 and 20 of 8.
    A batch above the largest size runs eagerly and unpadded: its rows count as computed, none of them as padding.
    Where nothing was computed nothing was wasted, and the share is 0.

    Raises:
        ValueError: a count is negative, or a batch with a positive count has fewer than 1 token.
    """
    ladder = CaptureSizes(sizes)
    real = computed = 0
    for num_tokens, count in histogram.items():
        if count < 0:
            raise ValueError(f"histogram[{num_tokens}] is {count}: it counts batches, so it is 0 or more.")
        if count > 0:
            real += count * num_tokens
            computed += count * (ladder.pad(num_tokens) or num_tokens)
    return (computed - real) / computed if computed else 0.0


def _one_size(size: int) -> int:
    """Return `size` as a plain int. Takes numpy's integers too, without importing numpy."""
    try:
        whole = operator.index(size)
    except TypeError:
        raise TypeError(f"{size!r} is no capture size: a graph is recorded for a whole number of rows.") from None
    if whole < 1:
        raise ValueError(
            f"{whole} is no capture size: a graph is recorded for at least 1 row. "
            "To run without graphs, use an empty ladder: CaptureSizes([])."
        )
    return whole
