"""Which call launched which work: as the trace says, else by counting from one moment of an empty GPU to the next.

torch.profiler's traces say it; a timeline by itself does not. But a stream runs in the order of its launches, so
between two such moments the first launch brought the first work. A graph launch brings several: what is left over after
the single launches, in equal parts. Where a trace begins in mid-air, work without a launch stands at its front, so it
is counted from the back.

Where the numbers do not fit (graphs of unequal sizes, work that the profiler dropped), nothing is paired rather than
something wrong. Not modelled: streams that overtake one another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from mini_lib.diagnosis.calls import Call, Pairs, Reading, Work


def pair(reading: Reading) -> Pairs:
    """Return the work that each call brought, by the call's place; calls whose work is not known are left out."""
    if reading.known:
        return reading.known
    edges = [float("-inf"), *reading.drains(), float("inf")]
    call_starts = [call.start_us for call in reading.calls]
    work_starts = [work.start_us for work in reading.works]
    pairs: dict[int, tuple[Work, ...]] = {}
    for first, (left, right) in enumerate(pairwise(edges)):
        low, high = bisect_left(call_starts, left), bisect_left(call_starts, right)
        launches = [place for place in range(low, high) if reading.calls[place].brings]
        works = reading.works[bisect_left(work_starts, left) : bisect_left(work_starts, right)]
        pairs |= _pair_stretch(launches, reading.calls, works, may_begin_in_mid_air=first == 0)
    return pairs


def _pair_stretch(
    launches: Sequence[int], calls: Sequence[Call], works: Sequence[Work], may_begin_in_mid_air: bool
) -> dict[int, tuple[Work, ...]]:
    graphs = sum(calls[place].brings == "graph" for place in launches)
    left_over = len(works) - (len(launches) - graphs)
    if graphs == 0 and (left_over < 0 or (left_over and not may_begin_in_mid_air)):
        return {}
    if graphs and (left_over < graphs or left_over % graphs):
        return {}
    pairs, place = {}, left_over if graphs == 0 else 0
    for launch in launches:
        size = left_over // graphs if calls[launch].brings == "graph" else 1
        pairs[launch] = tuple(works[place : place + size])
        place += size
    if any(work[0].start_us < calls[launch].start_us for launch, work in pairs.items()):
        return {}  # nothing runs before it is launched: the count was off
    return pairs
