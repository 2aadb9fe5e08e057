"""Recorded decode steps beside simulated ones: for one model and style, by mode and batch size.

What a row of part "step" says and `steady_us` of its price are the same thing: the time per step of launching that step
again and again. Plain values come out, for `mini_lib.plots.compare` and for tables.

>>> from mini_lib.sim.profiles import PROFILES
>>> row = {"model": "gpt2", "style": "fused", "mode": "FULL", "batch": 4, "context": 256}
>>> simulated_us(row, PROFILES["H200"]) < simulated_us({**row, "mode": "NONE"}, PROFILES["H200"])
True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mini_lib.config import PRESETS
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.price import steady_us
from mini_lib.sim.pricing import StepPricer

Row = Mapping[str, Any]
Recorded = dict[str, dict[int, tuple[float, float, float]]]  # mode -> batch -> median, 10th and 90th percentile
Simulated = dict[str, dict[int, float]]  # mode -> batch -> microseconds


def simulated_us(row: Row, profile: DeviceProfile, host_us: float = 0.0) -> float:
    """Return what the step of a row costs on `profile`; `host_us` is the CPU's work per step besides launches.

    Raises:
        ValueError: a style that has no costs.
        KeyError: a model that is not known.
    """
    pricer = StepPricer(PRESETS[row["model"]], row["style"], profile)
    return steady_us(pricer.price(CUDAGraphMode[row["mode"]], StepShape.decode(row["batch"], row["context"])), host_us)


def recorded_and_simulated(
    rows: Iterable[Row], profile: DeviceProfile, model: str, style: str, host_us: float = 0.0
) -> tuple[Recorded, Simulated]:
    """Return the rows of one model and style by mode and batch, and the same points simulated."""
    recorded: Recorded = {}
    simulated: Simulated = {}
    for row in rows:
        if (row["model"], row["style"]) == (model, style):
            times = row["median_us"], row.get("p10_us", row["median_us"]), row.get("p90_us", row["median_us"])
            recorded.setdefault(row["mode"], {})[row["batch"]] = times
            simulated.setdefault(row["mode"], {})[row["batch"]] = simulated_us(row, profile, host_us)
    return recorded, simulated
