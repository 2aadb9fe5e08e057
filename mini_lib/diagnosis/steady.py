"""The steady part of a trace: without its beginning, its end, and the steps in which it warmed up.

Waits after which the GPU was empty cut a trace into stretches, often one per step. Where there are three or more, the
first is let go, since its beginning is not in the trace, and so are those after it that take more than twice as long
as the median: first calls compile kernels and load modules. What comes behind the last such wait is let go too. But a
stretch that holds more than twice the usual number of kernels is no step that was slow, but other work, and stays: a
loop that reads three results at its end, a prefill behind some copies. A trace with fewer waits is taken from its first
launch or kernel to the end of its last wait or kernel.

Not done: slow steps in the middle are kept. They are the program's own, a prefill among decodes for example.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from mini_lib.diagnosis.calls import Reading

WARM_UP = 2.0
"""How many times the median a stretch at the beginning lasts at least to be warm-up, or holds to be other work."""
ENOUGH = 3
"""Stretches that a trace needs, so that the first can be let go."""


class Steady(NamedTuple):
    """The window that counts: from `edges[0]` to `edges[-1]`, and the ends of stretches in it."""

    edges: tuple[float, ...]
    num_dropped: int  # stretches at the beginning

    @property
    def start_us(self) -> float:
        """When it begins."""
        return self.edges[0]

    @property
    def end_us(self) -> float:
        """When it ends."""
        return self.edges[-1]

    @property
    def num_stretches(self) -> int:
        """How many stretches are in it."""
        return len(self.edges) - 1


def steady_part(reading: Reading) -> Steady:
    """Return the steady part of a trace that holds work of a GPU."""
    begin_us = min([reading.works[0].start_us, *(call.start_us for call in reading.launches[:1])])
    waits = (call.end_us for call in reading.calls if call.waited)
    finish_us = max([*(work.end_us for work in reading.works), *waits])
    drains = [at_us for at_us in reading.drains() if at_us > begin_us]
    if len(drains) < ENOUGH:
        return Steady((begin_us, *(at_us for at_us in drains if at_us < finish_us), finish_us), 0)
    starts = [work.start_us for work in reading.works]
    lengths = [end_us - start_us for start_us, end_us in pairwise(drains)]
    sizes = [bisect_left(starts, end_us) - bisect_left(starts, start_us) for start_us, end_us in pairwise(drains)]
    slow, much = WARM_UP * median(lengths), WARM_UP * median(sizes)
    begins_with_much = bisect_left(starts, drains[0]) > much
    ends_with_much = len(starts) - bisect_left(starts, drains[-1]) > much
    stays = (length <= slow or size > much for length, size in zip(lengths, sizes, strict=True))
    dropped = 0 if begins_with_much else 1 + next(place for place, one in enumerate(stays) if one)
    edges = [*drains[max(dropped - 1, 0) :], *([finish_us] if ends_with_much else [])]
    return Steady((*([begin_us] if begins_with_much else []), *edges), dropped)
