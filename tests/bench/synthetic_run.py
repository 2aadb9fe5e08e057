"""A recorded run that nobody recorded: the simulator's own prices of a hidden device, with noise. For tests of fits.

Its device is called synthetic. What a fit makes of it says whether the fit works, and nothing about any GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from mini_lib.config import PRESETS
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim import PROFILES, RecordedRun, StepPricer, StepShape, steady_us

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
STYLES = ("naive", "lean", "fused")
HOST_US = 35.0
CONTEXT = 256
_BASE = PROFILES["H200"]
HIDDEN = _BASE.with_values(
    kernel_us=1.7, copy_gb_per_s=3600.0, tflops=560.0, own_op_us=15.0,
    launch=replace(_BASE.launch, launch_us=6.5, graph_launch_us=6.0, gap_us=1.1, graph_gap_us=0.5),
)  # fmt: skip


def synthetic_rows(noise=0.01, *, models=tuple(PRESETS), styles=STYLES, batches=BATCHES, seed=0,
                   distort: Callable[..., float] = lambda us, row: us):  # fmt: skip
    """Return rows of part "step": five noisy rounds around the price under `HIDDEN`, changed by `distort(us, row)`."""
    random, rows = Random(seed), []
    for model in models:
        for style in styles:
            pricer = StepPricer(PRESETS[model], style, HIDDEN)
            for batch in batches:
                for mode in ("NONE", "PIECEWISE", "FULL"):
                    row = {"model": model, "style": style, "mode": mode, "batch": batch, "context": CONTEXT}
                    price = pricer.price(CUDAGraphMode[mode], StepShape.decode(batch, CONTEXT))
                    us = distort(steady_us(price, HOST_US), row)
                    rounds = [us * (1 + random.gauss(0, noise)) for _ in range(5)]
                    rows.append({**row, "median_us": sorted(rounds)[2], "repeat_us": rounds, "equal": True})
    return rows


def synthetic_run(rows, device="synthetic H200"):
    machine = dict.fromkeys(("driver", "torch", "cuda", "python"), "none") | {"device": device, "date": "2026-01-02"}
    part = {"command": "tests/bench/synthetic_run.py", "date": "2026-01-02", "rows": rows}
    return RecordedRun(machine, {"step": part})
