"""Where the time goes, as shares that sum to 1: the GPU works, or it stands idle, and then somebody is the cause.

Each moment of the window belongs to one share. While the GPU is idle, what counts is what the CPU was doing: launching;
waiting, or back from a wait and not launching again yet; or something else. Two corrections keep this honest. If the
next work had been launched before the gap began, the CPU is not the cause, whatever it did: the gap is the GPU's own.
And from the end of a launch until its work starts, it is the launch that takes the time, but not for long: work that
still does not start is held up on the GPU, by another stream or by work that the trace does not show.

Counted is time, never launches: a thousand launches hidden behind a busy GPU cost nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from mini_lib.diagnosis.calls import Call, Pairs, Reading, Work

PAUSE_LAUNCHES = 10
"""A pause between two launches in which this many others would have fitted is no longer dispatch, but other work. Nor
does a launch take longer than that to reach an idle GPU."""


class Shares(NamedTuple):
    """Shares of the time, from 0 to 1. They sum to 1."""

    computing: float  # a kernel runs
    copying: float  # only copies run
    between: float  # it runs nothing although its next work is there: gaps between kernels, waits for other streams
    launching: float  # it waits for a launch: the call, the dispatch before it, its way to the GPU
    waiting: float  # the CPU waits for the GPU, or came back from that and has not begun to launch again
    elsewhere: float  # the CPU does other work or, as far as the trace shows, nothing

    @property
    def busy(self) -> float:
        """The share in which something runs on the GPU."""
        return self.computing + self.copying

    @property
    def held_up(self) -> float:
        """The share in which the GPU waits for the CPU."""
        return self.launching + self.waiting + self.elsewhere


def shares_of(reading: Reading, pairs: Pairs, start_us: float, end_us: float) -> Shares:
    """Return the shares of the time from `start_us` to `end_us`."""
    states = list(_states(reading.calls))
    starts = [state[0] for state in states]
    found = {"between": 0.0, "launching": 0.0, "waiting": 0.0, "elsewhere": 0.0}
    launched = launch_ends(reading, pairs)
    launches, longest_way_us = reading.launches, PAUSE_LAUNCHES * _launch_us(reading)
    begun = [call.start_us for call in launches]
    for left, right, work in gaps(reading.works, start_us, end_us):
        launched_us = launched.get(work, _probably_launched(launches, begun, left, right)) if work else right
        if launched_us <= left:
            found["between"] += right - left
            continue
        on_its_way_us = min(right - min(launched_us, right), longest_way_us)
        found["launching"] += on_its_way_us
        found["between"] += right - min(launched_us, right) - on_its_way_us
        for state, us in _within(states, starts, left, min(launched_us, right)):
            found[state] += us
    computing = _covered([work for work in reading.works if not work.is_copy], start_us, end_us)
    copying = _covered(reading.works, start_us, end_us) - computing
    parts = {"computing": computing, "copying": copying, **found}
    total = math.fsum(parts.values())
    return Shares(**{name: us / total for name, us in parts.items()})


def launch_ends(reading: Reading, pairs: Pairs) -> Mapping[Work, float]:
    """Return when the launch of each work was over, for the work whose launch is known; at most its start."""
    return {work: min(reading.calls[place].end_us, work.start_us) for place, works in pairs.items() for work in works}


def launch_period_us(calls: Sequence[Call]) -> float:
    """Return the median time from one single launch to the next, 0 if no two follow one another."""
    periods = [
        after.start_us - before.start_us
        for before, after in pairwise(calls)
        if before.brings == after.brings == "work" and not before.waited
    ]
    return median(periods) if periods else 0.0


def _launch_us(reading: Reading) -> float:
    """Return what a launch usually takes: the time from one to the next or, where more, of the call itself."""
    lengths = [call.end_us - call.start_us for call in reading.launches if not call.waits]
    return max(launch_period_us(reading.calls), median(lengths) if lengths else 0.0)


def _states(calls: Sequence[Call]) -> Iterator[tuple[float, str]]:
    """Yield from when on the CPU is doing what, by start."""
    short_us = PAUSE_LAUNCHES * launch_period_us(calls)
    yield -math.inf, "elsewhere"
    last, free_from_us = "elsewhere", -math.inf  # the last call that counts: "launching" or "waiting"
    for call in calls:
        is_dispatch = last == "launching" and bool(call.brings) and call.start_us - free_from_us <= short_us
        pause = last if last == "waiting" or is_dispatch else "elsewhere"
        yield free_from_us, pause
        yield call.start_us, "launching" if call.brings else "waiting" if call.waited else pause
        last = "waiting" if call.waited else "launching" if call.brings else pause
        free_from_us = max(free_from_us, call.end_us)
    yield free_from_us, "waiting" if last == "waiting" else "elsewhere"


def _within(
    states: Sequence[tuple[float, str]], starts: Sequence[float], left: float, right: float
) -> Iterator[tuple[str, float]]:
    """Yield the states between two moments, and how long each lasts."""
    place = max(bisect_right(starts, left) - 1, 0)
    while left < right:
        until = min(starts[place + 1] if place + 1 < len(starts) else math.inf, right)
        if until > left:
            yield states[place][1], until - left
            left = until
        place += 1


def gaps(works: Sequence[Work], start_us: float, end_us: float) -> Iterator[tuple[float, float, Work | None]]:
    """Yield the times in which no stream worked, each with the work that ended it (None at the end of the window)."""
    free_from_us = start_us
    for work in works:
        if work.start_us > end_us:
            break
        if work.start_us > free_from_us:
            yield free_from_us, work.start_us, work
        free_from_us = max(free_from_us, work.end_us)
    if free_from_us < end_us:
        yield free_from_us, end_us, None


def _covered(works: Sequence[Work], start_us: float, end_us: float) -> float:
    """Return how long at least one of `works` ran, within the window."""
    total, until_us = 0.0, start_us
    for work in works:
        left, right = max(work.start_us, until_us), min(work.end_us, end_us)
        total += max(right - left, 0.0)
        until_us = max(until_us, right)
    return total


def _probably_launched(launches: Sequence[Call], begun: Sequence[float], left: float, right: float) -> float:
    """Return when the work that ends a gap had been launched, where counting did not tell.

    The last launch before the work brought it; one that is still under way brought it only if it began in the gap.
    """
    place = bisect_right(begun, right) - 1
    if place >= 0 and launches[place].end_us > right:
        if launches[place].start_us >= left:
            return right
        place -= 1
    return launches[place].end_us if place >= 0 else left
