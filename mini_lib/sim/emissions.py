"""Who got a token when, kept so that a million tokens cost little: times are shared by all who got one at that moment.

A step emits its tokens at one moment. Most requests get a token in every step from their first to their last, so a
request is a few *runs* of moments and not a list of times. The summary is computed from the runs and is, bit for bit,
that of the tokens one by one: sums are exact before they are rounded once, as `math.fsum` rounds them.

>>> emissions = Emissions()
>>> emissions.add(100.0, [0])
>>> emissions.extend([130.0, 190.0], [0, 1])
>>> list(emissions.tokens())
[(0, 100.0), (0, 130.0), (1, 130.0), (0, 190.0), (1, 190.0)]
>>> emissions.summary({0: 0.0, 1: 90.0}).ttft_us.mean
70.0
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import ldexp
from operator import mul, sub

from mini_lib.scheduling.metrics import ServingSummary, Spread, TokenTime

EXACT_BITS = 120  # a time of 2**-60 us or more, and every difference of two such, is a whole number of 2**-120 us


class Emissions:
    """The moments at which tokens came, and for each request the runs of moments in which it got one."""

    def __init__(self) -> None:
        self.times_us: list[float] = []
        self.runs: dict[int, list[int]] = {}  # by request id: first and last place in `times_us`, for each run

    def add(self, time_us: float, request_ids: Sequence[int]) -> None:
        """Note that each of `request_ids` got a token at `time_us`."""
        if request_ids:
            self.extend((time_us,), request_ids)

    def extend(self, times_us: Sequence[float], request_ids: Sequence[int]) -> None:
        """Note that each of `request_ids` got a token at each of `times_us`."""
        first = len(self.times_us)
        self.times_us.extend(times_us)
        last, runs = len(self.times_us) - 1, self.runs
        for number in request_ids:
            run = runs.get(number)
            if run is None:
                runs[number] = [first, last]
            elif run[-1] == first - 1:
                run[-1] = last
            else:
                run += (first, last)

    def reach(self, request_id: int) -> None:
        """Let the last run of `request_id` reach up to the last moment: it got a token at each until now."""
        self.runs[request_id][-1] = len(self.times_us) - 1

    def tokens(self) -> Iterator[TokenTime]:
        """Yield (request id, time) of each token, in order of time."""
        places = [(place, number) for number in self.runs for place in self._places(number)]
        return ((number, self.times_us[place]) for place, number in sorted(places))

    def times_of(self, request_id: int) -> list[float]:
        """Return when `request_id` got its tokens."""
        return [self.times_us[place] for place in self._places(request_id)]

    def summary(self, arrivals_us: Mapping[int, float]) -> ServingSummary:
        """Return what `summarize` returns for `tokens()`, without a step per token."""
        times, runs = self.times_us, self.runs
        gaps = _Gaps(times, runs.values())
        return ServingSummary(
            num_requests=len(runs),
            num_tokens=sum(map(_num_tokens, runs.values())),
            duration_us=(times[-1] if times else 0.0) - min((arrivals_us[number] for number in runs), default=0.0),
            ttft_us=Spread.of(times[run[0]] - arrivals_us[number] for number, run in runs.items()),
            tpot_us=Spread.of(gaps.mean(run) for run in runs.values() if run[0] != run[-1]),
            itl_us=gaps.spread(),
        )

    def _places(self, request_id: int) -> Iterator[int]:
        run = self.runs.get(request_id, [])
        for first, last in zip(run[::2], run[1::2], strict=True):
            yield from range(first, last + 1)


class _Gaps:
    """The time between a request's tokens: one value per moment for all who got a token then and the moment before."""

    def __init__(self, times_us: Sequence[float], runs: Iterable[Sequence[int]]) -> None:
        self._times_us = times_us
        self._inside = [0.0, *map(sub, times_us[1:], times_us)]
        self._exact = [int(ldexp(gap, EXACT_BITS)) for gap in self._inside]
        self._sums = list(accumulate(self._exact))
        change = [0] * (len(times_us) + 1)
        self._between: list[float] = []
        for run in runs:
            for first, last in zip(run[::2], run[1::2], strict=True):
                change[min(first + 1, len(times_us))] += 1
                change[last + 1] -= 1
            self._between += self._between_runs(run)
        self._counts = list(accumulate(change[: len(self._inside)]))

    def mean(self, run: Sequence[int]) -> float:
        """Return the mean time between the tokens of one request."""
        total = sum(self._sums[last] - self._sums[first] for first, last in zip(run[::2], run[1::2], strict=True))
        total += sum(map(_exact, self._between_runs(run)))
        return _rounded(total) / (_num_tokens(run) - 1)

    def spread(self) -> Spread:
        """Return the spread of all gaps of all requests."""
        gaps, counts = self._inside + self._between, self._counts + [1] * len(self._between)
        order = [place for place in sorted(range(len(gaps)), key=gaps.__getitem__) if counts[place]]
        if not order:
            return Spread.of(())
        upto = list(accumulate([counts[place] for place in order]))
        total = sum(map(mul, self._exact, self._counts)) + sum(map(_exact, self._between))
        p50, p99 = (order[bisect_left(upto, math.ceil(upto[-1] * percent / 100))] for percent in (50, 99))
        return Spread(_rounded(total) / upto[-1], gaps[p50], gaps[p99], gaps[order[-1]])

    def _between_runs(self, run: Sequence[int]) -> list[float]:
        ends = zip(run[1:-1:2], run[2::2], strict=True)
        return [self._times_us[first] - self._times_us[last] for last, first in ends]


def _num_tokens(run: Sequence[int]) -> int:
    return sum(run[1::2]) - sum(run[::2]) + len(run) // 2


def _exact(us: float) -> int:
    return int(ldexp(us, EXACT_BITS))


def _rounded(exact: int) -> float:
    return exact / (1 << EXACT_BITS)  # Python divides whole numbers exactly and rounds once
