"""Recorded steps beside simulated ones, as far as the picture that shows both."""

from __future__ import annotations

from mini_lib.plots.compare_runs import error_text
from mini_lib.sim import PROFILES
from mini_lib.sim.recorded_steps import recorded_and_simulated, simulated_us

H200 = PROFILES["H200"]


def made_up(mode: str, batch: int, times_simulated: float, **more: object) -> dict[str, object]:
    """Return a row whose time is the simulated one, times a number."""
    row = {"model": "gpt2", "style": "fused", "mode": mode, "batch": batch, "context": 64, **more}
    return row | {"median_us": simulated_us(row, H200, host_us=50.0) * times_simulated}


def test_points_of_one_model_and_style_stand_beside_their_simulated_times_by_mode_and_batch():
    rows = [
        made_up("NONE", 1, 1.25, p10_us=7.0, p90_us=9.0), made_up("NONE", 8, 0.8), made_up("FULL", 1, 1.0),
        made_up("FULL", 1, 3.0, style="naive"), made_up("FULL", 1, 3.0, model="tiny"),
    ]  # fmt: skip
    recorded, simulated = recorded_and_simulated(rows, H200, "gpt2", "fused", host_us=50.0)
    eager_us = rows[0]["median_us"]
    assert recorded["NONE"][1] == (eager_us, 7.0, 9.0), "with its percentiles"
    assert recorded["NONE"][8] == (rows[1]["median_us"],) * 3, "or with none"
    assert {mode: list(batches) for mode, batches in simulated.items()} == {"NONE": [1, 8], "FULL": [1]}
    assert simulated["NONE"][1] * 1.25 == eager_us
    assert error_text(recorded, simulated) == (
        "Off by 15.0 % on average over 3 recorded points, at most by +25.0 % (NONE, batch 8)."
    )
