"""Contestants in turns: times of single calls, measured on the device, with the calls queued behind one another.

Between any two calls there is an event, and the time of a call is what lies between its two: the calls follow one
another as decode steps do in serving, so a launch may hide behind the work of the call before. Where launching is what
takes long, that is what is measured. Contestants take turns round by round, so that a machine that slows down half way
favours nobody. The medians of the rounds stand beside the median of all: how far they differ is the noise of repeating.

Not modelled: the latency of a call on an idle device, which is `isolated_us`.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

Call = Callable[[], object]


class Rounds(NamedTuple):
    """How often: `rounds` turns of `calls` timed calls each, every turn after `warmups` that are not timed."""

    rounds: int
    calls: int
    warmups: int = 2


def in_turns(
    contestants: Mapping[Any, Call], how_often: Rounds, device_module: ModuleType
) -> dict[Any, dict[str, Any]]:
    """Return, by contestant, `median_us`, `p10_us`, `p90_us`, `iterations`, and `repeat_us`: the median of each round.

    Everything runs on a stream of its own, as an engine's steps do.
    """
    times: dict[Any, list[list[float]]] = {name: [] for name in contestants}
    stream = device_module.Stream()
    device_module.synchronize()
    with device_module.stream(stream):
        for _ in range(how_often.rounds):
            for name, call in contestants.items():
                times[name].append(queued_us(call, how_often, device_module))
    return {name: summary(rounds) for name, rounds in times.items()}


def queued_us(call: Call, how_often: Rounds, device_module: ModuleType) -> list[float]:
    """Return the times of one turn in microseconds."""
    marks = [device_module.Event(enable_timing=True) for _ in range(how_often.calls + 1)]
    for mark in marks:
        mark.record()  # torch makes an event of CUDA's when it is first recorded, which takes time: not between calls
    marks[-1].synchronize()
    for _ in range(how_often.warmups):
        call()
    marks[0].record()
    for mark in marks[1:]:
        call()
        mark.record()
    marks[-1].synchronize()
    return [start.elapsed_time(end) * 1e3 for start, end in itertools.pairwise(marks)]


def isolated_us(call: Call, how_often: Rounds, device_module: ModuleType) -> list[list[float]]:
    """Return times of calls that each begin on an idle device, by round: launch latency and launching included."""
    rounds = []
    for _ in range(how_often.rounds):
        call()
        times = []
        for _ in range(how_often.calls):
            device_module.synchronize()
            times += queued_us(call, Rounds(1, 1, 0), device_module)
        rounds.append(times)
    return rounds


def summary(rounds: list[list[float]]) -> dict[str, Any]:
    """Return the figures of a contestant from its times by round.

    >>> summary([[1.0, 3.0, 2.0], [2.0, 8.0, 4.0]])["repeat_us"]
    [2.0, 4.0]
    """
    times = sorted(itertools.chain.from_iterable(rounds))
    return {
        "median_us": statistics.median(times),
        "p10_us": times[len(times) // 10],
        "p90_us": times[(len(times) * 9) // 10],
        "iterations": len(times),
        "repeat_us": [statistics.median(one) for one in rounds],
    }


class Line(NamedTuple):
    """A straight line through points, and how well it fits: R² is 1 when it goes through all of them."""

    offset: float
    slope: float
    r_squared: float


def line_through(points: Mapping[float, float], *, relative: bool = False) -> Line:
    """Return the line of least squares through at least two points {x: y}.

    `relative` counts errors as shares of y. Where y spans orders of magnitude and is as noisy everywhere, only this
    shows the offset: 1 % of the time of 4,096 nodes is several times what a replay takes without any.

    >>> line_through({1: 5.0, 2: 7.0, 4: 11.0})
    Line(offset=3.0, slope=2.0, r_squared=1.0)
    """
    y = list(points.values())
    weights = [1 / value**2 if relative else 1.0 for value in y]
    mean_x, mean_y = statistics.fmean(points, weights), statistics.fmean(y, weights)
    along = sum(w * (x - mean_x) ** 2 for w, x in zip(weights, points, strict=True))
    slope = sum(w * (x - mean_x) * (points[x] - mean_y) for w, x in zip(weights, points, strict=True)) / along
    offset = mean_y - slope * mean_x
    rest = sum((value - offset - slope * place) ** 2 for place, value in points.items())
    around_mean = sum((value - statistics.fmean(y)) ** 2 for value in y)
    return Line(offset, slope, 1 - rest / around_mean if around_mean else 1.0)
