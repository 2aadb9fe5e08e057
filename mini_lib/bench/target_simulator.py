"""The lines of `bench targets` on the simulator: how far it is off, and how fast it is.

Its error is that of fits which have not seen what they are asked (`mini_lib.bench.fit`), on the newest recorded run.
Its speed is measured now, on this machine, in minutes.
"""

from __future__ import annotations

from functools import cached_property

from mini_lib.bench.fit import fit_recorded
from mini_lib.bench.fit_validation import Validation
from mini_lib.bench.simulation_speed import SimulationSpeed, measure_simulation_speed
from mini_lib.bench.target_figures import Figure, NotMeasuredError, Runs, newest_with

NUM_REQUESTS, QUICK_REQUESTS = 10_000, 500
QUICK_NOTE = f"--quick: {QUICK_REQUESTS} requests and not {NUM_REQUESTS:,}"


class SimulatorError:
    """Fits once, when the first of the three lines is wanted; they raise `NotMeasuredError` where nothing can be."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs

    def mean(self) -> Figure:
        """Return the mean error over points that the fit has not seen, as a share of the recorded time."""
        validation, source = self._validation
        unseen = validation.mape_of_unseen_batches
        points = f"{len(validation.points)} points, {validation.what}"
        of_unseen = "" if unseen is None else f" ({unseen:.1%} where the batch size was held out as well)"
        noise = f"repeating the measurement changes {validation.noise:.1%}"
        return Figure(validation.mape, f"{points}{of_unseen}; {noise}; {source}")

    def worst(self) -> Figure:
        """Return the largest of these errors, without its sign."""
        validation, source = self._validation
        worst = validation.worst
        where = ", ".join(str(worst.row[key]) for key in ("model", "style", "mode"))
        return Figure(abs(worst.error), f"{worst.error:+.1%} at {where}, batch {worst.row['batch']}; {source}")

    def mode_order(self) -> Figure:
        """Return the share of pairs of modes in the right order, of those that differ by more than noise."""
        validation, source = self._validation
        right, pairs = validation.mode_order
        if not pairs:
            raise NotMeasuredError("In no recorded step do two modes differ by more than their noise.")
        return Figure(right / pairs, f"{right} of {pairs} pairs; {source}")

    @cached_property
    def _validation(self) -> tuple[Validation, str]:
        run, _ = newest_with(self.runs, "step")
        try:
            return fit_recorded(run).validation, run.source("step")
        except ValueError as reason:
            raise NotMeasuredError(f"The recorded steps cannot be fitted: {reason}") from reason


class SimulatorSpeed:
    """Simulates once, when the first of the two lines is wanted."""

    def __init__(self, quick: bool, progress: bool) -> None:
        self.quick, self.progress = quick, progress

    def stepped(self) -> Figure:
        """Return simulated seconds over wall seconds, every step of the event loop run."""
        return self._figure("stepped_ratio")

    def fast_forward(self) -> Figure:
        """Return the same with a fast-forward over identical decode steps."""
        return self._figure("fast_forward_ratio")

    def _figure(self, name: str) -> Figure:
        how = self._speed.how
        if not self._speed.equal:
            raise NotMeasuredError(f"Leaps and steps came to different results, so neither speed counts: {how}")
        if self.quick:
            raise NotMeasuredError(f"{QUICK_NOTE}, which is nothing to judge by; {how}")
        return Figure(getattr(self._speed, name), how)

    @cached_property
    def _speed(self) -> SimulationSpeed:
        return measure_simulation_speed(QUICK_REQUESTS if self.quick else NUM_REQUESTS, progress=self.progress)
