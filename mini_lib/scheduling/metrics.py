"""How a user feels served: time to first token, time per token, time between tokens, and the tokens of all a second.

TTFT is the wait from arrival to the first token; TPOT the mean time of each token after the first; ITL the single
gaps between tokens, where a stall shows that the mean hides. All are computed from who got a token when.

Not modelled: the way of a token to the user's screen, tokens that are shown in bunches.

>>> summary = summarize({0: 0.0}, [(0, 100.0), (0, 130.0), (0, 190.0)])
>>> summary.ttft_us.mean, summary.tpot_us.mean, summary.itl_us.max
(100.0, 45.0, 60.0)
>>> round(summary.tokens_per_s)
15789
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

TokenTime = tuple[int, float]  # (request id, time in microseconds)


class Spread(NamedTuple):
    """A few numbers that stand for many. All are NaN where there were none."""

    mean: float
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of `values`; percentiles are values that occurred (nearest rank)."""
        ordered = sorted(values)
        if not ordered:
            return cls(math.nan, math.nan, math.nan, math.nan)
        mean = math.fsum(ordered) / len(ordered)
        return cls(mean, _nearest_rank(ordered, 50), _nearest_rank(ordered, 99), ordered[-1])


class ServingSummary(NamedTuple):
    """What a run was like. Times are microseconds, from the first arrival to the last token."""

    num_requests: int  # that got a token
    num_tokens: int
    duration_us: float
    ttft_us: Spread  # one value per request
    tpot_us: Spread  # one value per request of two tokens or more
    itl_us: Spread  # one value per token but the first of each request

    @property
    def tokens_per_s(self) -> float:
        """Output tokens a second, of all requests together; 0 for a run of no length."""
        return self.num_tokens / self.duration_us * 1e6 if self.duration_us else 0.0


def summarize(arrivals_us: Mapping[int, float], tokens: Iterable[TokenTime]) -> ServingSummary:
    """Return the summary of a run: `arrivals_us` by request id, and (request id, time) of each token.

    Requests without a token (they asked for none, or were aborted) are left out.

    Raises:
        ValueError: a token belongs to nobody who arrived, or came before its request or its predecessor.
    """
    times = _times_by_request(arrivals_us, tokens)
    gaps = {number: _gaps(of_one) for number, of_one in times.items()}
    last_us = max((of_one[-1] for of_one in times.values()), default=0.0)
    return ServingSummary(
        num_requests=len(times),
        num_tokens=sum(map(len, times.values())),
        duration_us=last_us - min((arrivals_us[number] for number in times), default=0.0),
        ttft_us=Spread.of(of_one[0] - arrivals_us[number] for number, of_one in times.items()),
        tpot_us=Spread.of(math.fsum(of_one) / len(of_one) for of_one in gaps.values() if of_one),
        itl_us=Spread.of(gap for of_one in gaps.values() for gap in of_one),
    )


def _times_by_request(arrivals_us: Mapping[int, float], tokens: Iterable[TokenTime]) -> dict[int, list[float]]:
    times: dict[int, list[float]] = {}
    for number, time_us in tokens:
        if number not in arrivals_us:
            raise ValueError(f"a token at {time_us} us belongs to request {number}, which never arrived.")
        before_us = times[number][-1] if number in times else arrivals_us[number]
        if time_us < before_us:
            raise ValueError(f"request {number} got a token at {time_us} us, before {before_us} us: is it one clock?")
        times.setdefault(number, []).append(time_us)
    return times


def _gaps(times_us: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times_us)]


def _nearest_rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
