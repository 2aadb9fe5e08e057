"""`bench targets`: what this course set out to reach, and what it did, one line each.

A value is computed from a run that a GPU recorded, or measured now, never written down. Where there is nothing to
compute it from, the line says "not measured" and why. A miss is a result like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mini_lib.bench import target_figures as figures
from mini_lib.bench.target_figures import Figure, NotMeasuredError
from mini_lib.bench.target_simulator import SimulatorError, SimulatorSpeed
from mini_lib.sim import RecordedRun

MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"


class Bound(NamedTuple):
    """What a value should be: at most or at least `goal`, better still `stretch`, shown as `form` has it."""

    at_least: bool
    goal: float
    stretch: float | None
    form: str

    def holds(self, value: float) -> bool:
        """Tell whether a value is as good as the goal."""
        return value >= self.goal if self.at_least else value <= self.goal

    def shown(self, limit: float | None) -> str:
        """Return the goal or the stretch in words, "-" where there is none."""
        return "-" if limit is None else f"{'>=' if self.at_least else '<='} {self.form.format(limit)}"


class TargetRow(NamedTuple):
    """One line: `verdict` is "met", "missed" or "not measured"; `how` says where the value is from, or why it is not.

    `value`, `goal` and `stretch` are words with their units; `number` is the value itself, None where there is none.
    """

    name: str
    value: str
    goal: str
    stretch: str
    verdict: str
    how: str
    number: float | None = None


class Target(NamedTuple):
    """A line before it has a value. `figure` raises `NotMeasuredError` where it cannot be had."""

    name: str
    bound: Bound
    figure: Callable[[], Figure]


PERCENT, TIMES, MANY_TIMES, PLAIN, SECONDS = "{:.1%}", "{:.3g}x", "{:,.0f}x", "{:.3f}", "{:.2f} s"


def target_rows(runs: Sequence[RecordedRun], quick: bool = False, progress: bool = True) -> list[TargetRow]:
    """Return all lines. The simulator's speed is measured now, in minutes; `quick` serves fewer requests."""
    return [row_of(target) for target in _targets(runs, SimulatorError(runs), SimulatorSpeed(quick, progress))]


def row_of(target: Target) -> TargetRow:
    """Return a target's line: its value against its goal."""
    name, bound, figure = target
    goal, stretch = bound.shown(bound.goal), bound.shown(bound.stretch)
    try:
        value, how = figure()
    except NotMeasuredError as reason:
        return TargetRow(name, "-", goal, stretch, NOT_MEASURED, str(reason))
    except (KeyError, TypeError, ZeroDivisionError) as damage:
        return TargetRow(name, "-", goal, stretch, NOT_MEASURED, f"A recorded row is damaged: {damage!r}.")
    verdict = MET if bound.holds(value) else MISSED
    return TargetRow(name, bound.form.format(value), goal, stretch, verdict, how, value)


def at_least(goal: float, stretch: float | None, form: str) -> Bound:
    """Return the bound of what should be large."""
    return Bound(True, goal, stretch, form)


def at_most(goal: float, stretch: float | None, form: str) -> Bound:
    """Return the bound of what should be small."""
    return Bound(False, goal, stretch, form)


def _targets(runs: Sequence[RecordedRun], error: SimulatorError, speed: SimulatorSpeed) -> list[Target]:
    def of(figure: Callable[..., Figure], *arguments: object) -> Callable[[], Figure]:
        return lambda: figure(runs, *arguments)

    return [
        Target("simulator, mean error on points held out", at_most(0.03, 0.015, PERCENT), error.mean),
        Target("simulator, worst error on points held out", at_most(0.08, None, PERCENT), error.worst),
        Target("simulator, order of the modes right", at_least(1.0, None, PERCENT), error.mode_order),
        Target("simulated / wall seconds, stepped", at_least(50, 150, MANY_TIMES), speed.stepped),
        Target("simulated / wall seconds, fast-forward", at_least(1000, 10_000, MANY_TIMES), speed.fast_forward),
        Target("naive eager / same kernels in a graph", at_least(4, 6, TIMES), of(figures.same_kernels)),
        Target("naive eager / best step", at_least(12, 20, TIMES), of(figures.best_step)),
        Target("share of copy bandwidth, 8B", at_least(0.8, 0.9, PERCENT), of(figures.bandwidth_share, "llama-3-8b")),
        Target(
            "share of copy bandwidth, 1B", at_least(0.55, 0.65, PERCENT), of(figures.bandwidth_share, "llama-3.2-1b")
        ),
        Target("GPT-2 tokens/s over SGLang's 964.6", at_least(2, 3, TIMES), of(figures.generation)),
        Target("piecewise / full step, 8B, batch 1", at_most(1.10, 1.03, TIMES), of(figures.piecewise_tax)),
        Target("pieces' tax is a line: R2", at_least(0.99, None, PLAIN), of(figures.tax_is_a_line)),
        Target("overlap speed-up / ideal, work 0.1-0.8", at_least(0.97, 0.99, PLAIN), of(figures.share_of_ideal)),
        Target("GPU idle in steady decode", at_most(0.01, 0.003, PERCENT), of(figures.idle_share)),
        Target("replays until a capture has paid", at_most(4, 2, "{:.1f}"), of(figures.replays_to_pay)),
        Target("capture of 35 sizes", at_most(2, 0.7, SECONDS), of(figures.capture_seconds)),
        Target("shared pool / its largest size", at_most(1.15, 1.05, TIMES), of(figures.pool_ratio)),
    ]
