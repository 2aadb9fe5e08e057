"""Recorded decode steps as arrays: what each row launches and moves, so that a fit can price all of them at once.

A row's time is `mini_lib.sim.steady_us` of its price: the longer of the CPU's time to launch it and the GPU's to run
it. Everything in it but the constants of a device is counted once, from the same lists of kernels.

Not modelled: styles that have no list of kernels ("inductor": what it fuses is the compiler's decision).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mini_lib.config import PRESETS
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim import DeviceProfile, StepShape, step_kernels
from mini_lib.sim.costs import STYLES
from mini_lib.sim.pricing import OWN, launches_of

Row = Mapping[str, Any]
Floats = npt.NDArray[np.float64]
Values = Mapping[str, float]  # constants of a device by name, "host_us" among them
KEYS = ("model", "style", "mode", "batch", "context", "median_us")  # what a row says at least
MODES = ("NONE", "PIECEWISE", "FULL")


class Counts(NamedTuple):
    """What a step launches: kernels one by one, those of the course's own among them, graphs, kernels inside them."""

    kernels: int
    own: int
    graphs: int
    nodes: int


def why_unusable(row: Row) -> str | None:
    """Return why a row cannot be fitted, None if it can."""
    if missing := [key for key in KEYS if key not in row]:
        return f"it does not say its {missing[0]}"
    if not (_is_number(row["median_us"]) and all(_is_number(us) for us in row.get("repeat_us") or ())):
        return "one of its times is no number above 0"
    if row["mode"] not in MODES:
        return f"no step runs in mode {row['mode']!r}"
    if row["style"] not in STYLES:
        return f"style {row['style']!r} has no list of kernels"
    if row["model"] not in PRESETS:
        return f"model {row['model']!r} is not known"
    return None if row.get("equal", True) else "its outputs were not those of eager execution"


def _is_number(us: Any) -> bool:
    return isinstance(us, int | float) and 0 < us < math.inf


class StepRows:
    """Usable rows of part "step", ready to be priced with any constants.

    `measured_us` are their medians; `rows` are they themselves.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self.measured_us = np.array([row["median_us"] for row in rows], dtype=float)
        self._counts = np.array([counts_of(row) for row in rows], dtype=float).reshape(-1, 4).T
        works = [work_of(row["model"], row["style"], row["batch"], row["context"]) for row in rows]
        self._row_of = np.repeat(np.arange(len(rows)), [len(work) for work in works])
        flat = [(num_bytes, flops, count) for work in works for (num_bytes, flops), count in work.items()]
        self._bytes, self._flops, self._times = np.array(flat, dtype=float).reshape(-1, 3).T

    def __len__(self) -> int:
        return len(self.rows)

    def steady_us(self, values: Values) -> Floats:
        """Return what every row costs under `values`: what `steady_us` of its price says, for all at once."""
        return np.maximum(self.launch_us(values), self.gpu_us(values))

    def launch_us(self, values: Values) -> Floats:
        """Return the CPU's time per step."""
        kernels, own, graphs, nodes = self._counts
        one_by_one = kernels * values["launch_us"] + own * values["own_op_us"]
        return one_by_one + graphs * values["graph_launch_us"] + nodes * values["graph_node_us"] + values["host_us"]

    def gpu_us(self, values: Values) -> Floats:
        """Return the GPU's time per step, gaps included."""
        kernels, _, graphs, nodes = self._counts
        work = np.hypot(self._bytes / (values["copy_gb_per_s"] * 1e3), self._flops / (values["tflops"] * 1e6))
        working_us = np.bincount(self._row_of, self._times * work, minlength=len(self))
        gaps_us = (kernels + graphs) * values["gap_us"] + (nodes - graphs) * values["graph_gap_us"]
        return working_us + gaps_us + (kernels + nodes) * values["kernel_us"]


@lru_cache(maxsize=4096)
def work_of(model: str, style: str, batch: int, context: int) -> Counter[tuple[int, int]]:
    """Return how often a step has a kernel of so many (bytes, operations)."""
    before, forward, after = step_kernels(PRESETS[model], style, StepShape.decode(batch, context))
    return Counter((kernel.num_bytes, kernel.flops) for kernel in (*before, *forward, *after))


def counts_of(row: Row) -> Counts:
    """Return what the step of a row launches."""
    return _counts_of(row["model"], row["style"], row["mode"], row["batch"])


@lru_cache(maxsize=4096)
def _counts_of(model: str, style: str, mode: str, batch: int) -> Counts:
    before, forward, after = step_kernels(PRESETS[model], style, StepShape.decode(batch, 1))
    launches = launches_of(CUDAGraphMode[mode], forward)
    alone = [*before, *(costs[0] for is_graph, costs in launches if not is_graph), *after]
    graphs = [len(costs) for is_graph, costs in launches if is_graph]
    return Counts(len(alone), sum(cost.name.startswith(OWN) for cost in alone), len(graphs), sum(graphs))


def values_of(profile: DeviceProfile, host_us: float) -> dict[str, float]:
    """Return the constants of `profile` that a recorded step shows, by name."""
    launch = profile.launch
    return {
        "launch_us": launch.launch_us,
        "own_op_us": profile.own_op_us,
        "graph_launch_us": launch.graph_launch_us,
        "graph_node_us": launch.graph_node_us,
        "gap_us": launch.gap_us,
        "graph_gap_us": launch.graph_gap_us,
        "kernel_us": profile.kernel_us,
        "copy_gb_per_s": profile.copy_gb_per_s,
        "tflops": profile.tflops,
        "host_us": host_us,
    }
