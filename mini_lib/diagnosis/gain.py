"""The gain to expect from graphs, from pieces and from overlap: computed from the trace, with its assumptions.

The program behind the trace is played again with each change (`diagnosis.program`). What an eager trace cannot show is
the gap between kernels inside a graph: a gain is therefore a range, from the gap that the trace shows between eager
kernels (assumed, where it shows none) down to no gap, and its middle figure takes the assumed gap inside graphs.

Where the program cannot be rebuilt (no ids and graphs of several sizes, streams side by side), or does not take about
as long as the trace when it is played as it was, only a bound is given: the time without what the change removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mini_lib.diagnosis.program import Change, Program, changes_something, play, runs_at_once
from mini_lib.diagnosis.shares import Shares
from mini_lib.timing import LaunchCosts

MODEL_ERROR = 0.10
"""A program that, played as it was, misses the trace by more than this says nothing about what would be."""
_ROADS = {
    "CUDA graphs": Change(graphs=True),
    "piecewise graphs": Change(graphs=True, pieces=True),
    "overlap": Change(overlap=True),
    "graphs and overlap": Change(graphs=True, overlap=True),
}


class Gain(NamedTuple):
    """How long the steady part of a trace would take after a change. A bound has only `best_us`: it takes no less."""

    road: str
    now_us: float
    then_us: float
    best_us: float  # with no gap between the kernels of a graph
    worst_us: float  # with the gap of eager kernels
    is_bound: bool = False

    @property
    def speedup(self) -> float:
        """The time now over the time then, 1 where there is nothing to gain."""
        return self.now_us / self.then_us

    def __str__(self) -> str:
        """Return one line: the change, the speed-up, and its range."""
        if self.is_bound:
            return f"{self.road}: at most {self.speedup:.2f}x"
        low, high = self.now_us / self.worst_us, self.now_us / self.best_us
        spread = f" ({low:.2f}x to {high:.2f}x)" if high - low > 0.005 else ""
        return f"{self.road}: {self.speedup:.2f}x{spread}, {self.now_us:,.0f} -> {self.then_us:,.0f} µs"


class Gains(NamedTuple):
    """The gain of each road, and how far the program, played as it was, misses the trace (None: it was not played)."""

    gains: tuple[Gain, ...]
    model_error: float | None
    costs: LaunchCosts | None
    why_bounds: str = ""

    def of(self, road: str) -> Gain:
        """Return the gain of one road: "CUDA graphs", "piecewise graphs", "overlap", "graphs and overlap".

        Raises:
            KeyError: this trace holds nothing that the road could change.
        """
        found = {gain.road: gain for gain in self.gains}
        if road not in found:
            raise KeyError(f"no gain of {road!r} was computed; there is {sorted(found)}")
        return found[road]


def gains_of(program: Program | None, shares: Shares, now_us: float) -> Gains:
    """Return what to expect of each road that has something to change in this program."""
    if program is None or runs_at_once(program):
        why = "streams run side by side" if program else "it is not clear which call launched which kernel"
        return Gains(_bounds(shares, now_us), None, None, why)
    played_us = play(program, Change())
    error = played_us / program.measured_us - 1.0
    if abs(error) > MODEL_ERROR:
        return Gains(_bounds(shares, now_us), error, None, f"played again, it misses the trace by {error:+.0%}")
    roads = [road for road, change in _ROADS.items() if changes_something(program, change)]
    return Gains(tuple(_gain(program, road, played_us) for road in roads), error, program.costs)


def _gain(program: Program, road: str, played_us: float) -> Gain:
    # Both times come from the same queue, so what it gets wrong about this program is in both.
    change = _ROADS[road]
    gaps = (program.costs.graph_gap_us, 0.0, max(program.costs.gap_us, program.costs.graph_gap_us))
    times = [play(program, change, replace(program.costs, graph_gap_us=gap)) for gap in gaps if change.graphs]
    then_us, best_us, worst_us = times or [play(program, change)] * 3
    scale = program.measured_us / played_us
    return Gain(road, program.measured_us, then_us * scale, best_us * scale, worst_us * scale)


def _bounds(shares: Shares, now_us: float) -> tuple[Gain, ...]:
    removed = {
        "CUDA graphs": shares.launching,
        "overlap": shares.waiting,
        "graphs and overlap": shares.launching + shares.waiting,
    }
    least = {road: max(1.0 - share, shares.busy) * now_us for road, share in removed.items()}
    return tuple(Gain(road, now_us, us, us, us, True) for road, us in least.items() if us > 0)


def assumptions(gains: Gains) -> Sequence[str]:
    """Return what the gains rest on, one sentence each."""
    if gains.costs is None:
        return [f"Only bounds, since {gains.why_bounds}: the trace's time without the share that the change removes."]
    costs = gains.costs
    source = costs.source.rpartition(": ")[2]
    return [
        f"Played again on the launch queue as it was, the program misses its trace by {gains.model_error:+.1%}.",
        f"An eager trace shows no graph, so these are {source}: {costs.graph_launch_us:g} µs per graph launch and "
        f"{costs.graph_gap_us:.3g} µs between the kernels of a graph. Ranges: from the gap of eager kernels to none.",
        "Overlap lets each wait wait for the stretch before: a program that waits several times a step gains less than "
        "one that waits once. It assumes that launches do not depend on what was read, and that this is pinned memory.",
    ]
