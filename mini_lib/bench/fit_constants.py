"""The constants of a device that explain recorded steps best: eight at most, by least squares of relative errors.

Levenberg and Marquardt's method on logarithms, so that constants stay positive and a step of 10 us counts as much as
one of 10 ms. A longer-of-two has a corner, and a constant that is on the shorter side of every row cannot be seen; so
the fit starts from several places, and each constant is held, by a very weak spring, to what the profile assumed.

`graph_gap_us` and `graph_node_us` stay as assumed. A kernel inside a graph shows `kernel_us + graph_gap_us`, one
outside `kernel_us + gap_us`, and nothing shows the three alone: `kernel_us` takes up what is wrong with the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mini_lib.bench.fit_rows import Floats, StepRows, values_of
from mini_lib.sim import DeviceProfile

CONSTANTS = (
    "launch_us", "own_op_us", "graph_launch_us", "gap_us", "kernel_us", "copy_gb_per_s", "tflops", "host_us",
)  # fmt: skip
HOST_US = 20.0  # assumed: what a step costs its CPU besides launches, before anything was fitted
SPRING = 3e-3  # a constant ten times too large or too small costs as much as one row that is 0.7 % off
SMALLEST = 1e-3  # a constant that is 0 has no logarithm
STARTS = (1.0, 0.4, 2.5)  # times the assumed CPU times: from launch-bound everywhere to GPU-bound everywhere
_CPU = frozenset({"launch_us", "own_op_us", "graph_launch_us", "host_us"})


@dataclass(frozen=True)
class Fit:
    """Constants that explain `rows`. `fitted` names those that were free; the rest is as assumed.

    `spread` is by how much of itself a constant may be off, one standard deviation, if errors are noise; a constant
    that the rows do not show has a spread of 1 or more, and its value says nothing.
    """

    values: dict[str, float]
    fitted: tuple[str, ...]
    spread: dict[str, float]
    num_rows: int

    def profile(self, base: DeviceProfile, source: str) -> DeviceProfile:
        """Return `base` with what was fitted in it, each constant with `source`.

        `host_us` is in none: a profile's `step_us` is scheduling and staging, which a recorded step leaves out.
        """
        of_launch: dict[str, Any] = {name: self.values[name] for name in self.fitted if hasattr(base.launch, name)}
        of_device: dict[str, Any] = {
            name: self.values[name] for name in self.fitted if name in base.__dataclass_fields__
        }
        told = f"{', '.join(of_launch)}: fitted, {source}; all else of launching: {base.launch.source}"
        sources = {**base.sources, **dict.fromkeys(of_device, f"fitted, {source}"), "launch": told}
        launch = replace(base.launch, **of_launch, source=told)
        return base.with_values(**of_device, launch=launch, sources=sources)


def fit(rows: StepRows, base: DeviceProfile, constants: Sequence[str] = CONSTANTS) -> Fit:
    """Return the constants that explain `rows` best, `base` giving the start and all that is not in `constants`.

    Raises:
        ValueError: there are no more rows than constants.
    """
    if len(rows) <= len(constants):
        raise ValueError(f"{len(rows)} rows cannot show {len(constants)} constants: record more points.")
    assumed = values_of(base, HOST_US)
    start = np.log([max(SMALLEST, assumed[name]) for name in constants])

    def values_at(x: Floats) -> dict[str, float]:
        return {**assumed, **dict(zip(constants, map(float, np.exp(x)), strict=True))}

    def residuals(x: Floats) -> Floats:
        errors = np.log(rows.steady_us(values_at(x)) / rows.measured_us)
        return np.concatenate([errors, SPRING * (x - start)])

    is_cpu = np.array([name in _CPU for name in constants])
    ends = [_descend(residuals, start + is_cpu * np.log(times)) for times in STARTS]
    best = min(ends, key=lambda x: float(np.sum(residuals(x) ** 2)))
    spread = dict(zip(constants, map(float, _spread(residuals, best, len(rows))), strict=True))
    return Fit(values_at(best), tuple(constants), spread, len(rows))


def _descend(residuals: Callable[[Floats], Floats], x: Floats, max_steps: int = 100) -> Floats:
    """Return where the sum of squares stops sinking."""
    damping, error = 1e-2, residuals(x)
    for _ in range(max_steps):
        slopes = _slopes(residuals, x, error)
        squares, downhill = slopes.T @ slopes, -slopes.T @ error
        step = np.linalg.solve(squares + damping * np.diag(np.diag(squares)), downhill)
        moved = x + np.clip(step, -1.0, 1.0)
        changed = residuals(moved)
        gain = np.sum(error**2) - np.sum(changed**2)
        if gain > 0:
            x, error, damping = moved, changed, damping / 3
        else:
            damping *= 4
        if 0 < gain < 1e-12 or damping > 1e9:
            break
    return x


def _slopes(residuals: Callable[[Floats], Floats], x: Floats, error: Floats, width: float = 1e-6) -> Floats:
    """Return how each residual changes with each constant's logarithm."""
    return np.stack([(residuals(x + width * unit) - error) / width for unit in np.eye(len(x))], axis=1)


def _spread(residuals: Callable[[Floats], Floats], x: Floats, num_rows: int) -> Floats:
    """Return one standard deviation of each constant's logarithm, from how steeply errors rise around the best."""
    error = residuals(x)
    slopes = _slopes(residuals, x, error)
    variance = np.sum(error[:num_rows] ** 2) / max(1, num_rows - len(x))
    covariance: Floats = np.linalg.inv(slopes.T @ slopes) * variance
    seen = np.sqrt(np.mean(slopes[:num_rows] ** 2, axis=0)) > SPRING
    spread: Floats = np.where(seen, np.sqrt(np.diag(covariance)), np.inf)
    return spread
