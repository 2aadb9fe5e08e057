"""How far a fit is off where it has not looked: whole models held out, and whole batch sizes as well.

One fit per model: it sees every other model at two thirds of the batch sizes, and is asked for all rows of the one it
has not seen. So each row is judged once, by a fit that knows neither its shape nor, for a third of the rows, its batch.
With one model recorded, only batch sizes can be held out, and `what` says so.

Beside the error stands the noise: how far a row's rounds lie from their own median. No model of a device does better.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from mini_lib.bench.fit_constants import CONSTANTS, fit
from mini_lib.bench.fit_rows import Row, StepRows
from mini_lib.sim import DeviceProfile


class Point(NamedTuple):
    """A row and what a fit that had not seen it says. `unseen_batch`: its batch size was held out, too."""

    row: Row
    predicted_us: float
    unseen_batch: bool

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of the recorded time, with its sign."""
        return self.predicted_us / float(self.row["median_us"]) - 1


class Validation(NamedTuple):
    """All points, each held out. Errors and noise are shares of the recorded times."""

    points: tuple[Point, ...]
    what: str

    @property
    def mape(self) -> float:
        """Mean of the errors without their signs."""
        return statistics.fmean(abs(point.error) for point in self.points)

    @property
    def mape_of_unseen_batches(self) -> float | None:
        """The same of the points whose batch size was held out as well; None where there are too few sizes for that."""
        errors = [abs(point.error) for point in self.points if point.unseen_batch]
        return statistics.fmean(errors) if errors else None

    @property
    def worst(self) -> Point:
        """The point that is furthest off."""
        return max(self.points, key=lambda point: abs(point.error))

    @property
    def noise(self) -> float:
        """Mean distance of a round's median from the row's: what repeating the measurement changes."""
        return statistics.fmean(noise_of(point.row) for point in self.points)

    @property
    def mode_order(self) -> tuple[int, int]:
        """Pairs of modes of the same step that are in the right order, and all pairs that differ by more than noise."""
        pairs = [pair for group in _by_step(self.points) for pair in combinations(group, 2) if _differ(*pair)]
        return sum(map(_in_order, pairs)), len(pairs)


def validate(rows: Sequence[Row], base: DeviceProfile, constants: Sequence[str] = CONSTANTS) -> Validation:
    """Return all usable rows with what fits that did not see them say. `rows` are usable ones of one machine.

    Raises:
        ValueError: too few rows to fit anything once some are held out.
    """
    models = sorted({str(row["model"]) for row in rows})
    batches = sorted({int(row["batch"]) for row in rows})
    held_out = frozenset(batches[1::3])
    if len(models) == 1 and not held_out:
        raise ValueError(
            f"all rows are of {models[0]} at batch {batches[0]}: a fit would be asked for what it has seen."
        )
    if len(models) == 1:
        asked = [row for row in rows if row["batch"] in held_out]
        points = _points(asked, [row for row in rows if row["batch"] not in held_out], held_out, base, constants)
        return Validation(points, f"batch sizes {sorted(held_out)} held out; there is one model only")
    points = ()
    for model in models:
        seen = [row for row in rows if row["model"] != model and row["batch"] not in held_out]
        points += _points([row for row in rows if row["model"] == model], seen, held_out, base, constants)
    also = f", with batch sizes {sorted(held_out)}" if held_out else ""
    return Validation(points, f"each of {len(models)} models held out in turn{also}")


def noise_of(row: Row) -> float:
    """Return the mean distance of a row's rounds from its median, as a share; 0 where it has no rounds."""
    return statistics.fmean(abs(us / row["median_us"] - 1) for us in row.get("repeat_us") or [row["median_us"]])


def _points(
    asked: Sequence[Row], seen: Sequence[Row], held_out: frozenset[int], base: DeviceProfile, constants: Sequence[str]
) -> tuple[Point, ...]:
    if len(seen) <= len(constants):
        raise ValueError(
            f"without the models and batch sizes held out, {len(seen)} rows are left, and they cannot show "
            f"{len(constants)} constants: record more points."
        )
    found = fit(StepRows(seen), base, constants)
    predicted = StepRows(asked).steady_us(found.values)
    return tuple(Point(row, float(us), row["batch"] in held_out) for row, us in zip(asked, predicted, strict=True))


def _by_step(points: Sequence[Point]) -> list[list[Point]]:
    """Return the points grouped by what is the same step in several modes."""
    groups: dict[tuple[object, ...], list[Point]] = defaultdict(list)
    for point in points:
        groups[tuple(point.row[key] for key in ("model", "style", "batch", "context"))].append(point)
    return list(groups.values())


def _differ(one: Point, other: Point) -> bool:
    """Tell whether two rows lie further apart than the rounds of either."""
    rounds = [point.row.get("repeat_us") or [point.row["median_us"]] for point in (one, other)]
    apart = abs(one.row["median_us"] - other.row["median_us"])
    return bool(apart > max(max(each) - min(each) for each in rounds))


def _in_order(pair: tuple[Point, Point]) -> bool:
    one, other = pair
    predicted_us, recorded_us = one.predicted_us - other.predicted_us, one.row["median_us"] - other.row["median_us"]
    return bool(predicted_us * recorded_us > 0)  # who predicts that both take equally long is wrong
