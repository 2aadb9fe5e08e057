"""`bench twin`: what the CPU twin of CUDA graphs costs per op, to record and to replay, against eager execution.

The twin is a teaching instrument: its replay is a Python loop over recorded ops. This says what a notebook pays for it,
and nothing about CUDA. Eager and replay take turns; capture is the median of a few.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from mini_lib.bench.provenance import one_cpu_thread, provenance
from mini_lib.bench.stopwatch import median_us, once_ms
from mini_lib.bench.table import table
from mini_lib.bench.twin_models import decoder_step, mlp_step
from mini_lib.graphs import capture, recorder

NUM_ROWS = 4
NUM_CAPTURES = 5


@dataclass(frozen=True)
class TwinCost:
    """One model's cost per recorded op, in microseconds."""

    model: str
    num_ops: int
    eager_us_per_op: float
    capture_us_per_op: float
    replay_us_per_op: float

    @property
    def speedup(self) -> float:
        return self.eager_us_per_op / self.replay_us_per_op


def bench_twin(iterations: int, arguments: Sequence[str], progress: bool = True) -> dict[str, Any]:
    """Return the whole result of `bench twin`, ready for JSON. It always runs on the CPU."""
    models = {f"MLP d{width}, 16 layers": mlp_step(width, 16, NUM_ROWS) for width in (16, 64, 256)}
    models["decoder d64, 8 layers"] = decoder_step(64, 8, NUM_ROWS)
    with torch.no_grad(), one_cpu_thread():
        head = provenance("twin", arguments, recorder)
        costs = [_cost(name, step, values, iterations, progress) for name, (step, values) in models.items()]
    rows = [asdict(cost) | {"speedup": cost.speedup} for cost in costs]
    return {**head, "batch": NUM_ROWS, "iterations": iterations, "models": rows}


def _cost(name: str, step: Callable[[Tensor], Tensor], values: Tensor, iterations: int, progress: bool) -> TwinCost:
    def record() -> Any:
        return capture(step, values, device_module=recorder, num_warmups=0)

    recorded = record()
    num_ops = recorded.graph.num_nodes
    capture_us = statistics.median(once_ms(record, recorder) for _ in range(NUM_CAPTURES)) * 1e3
    times = median_us({"eager": lambda: step(values), "replay": recorded.replay}, iterations, recorder, progress)
    return TwinCost(name, num_ops, times["eager"] / num_ops, capture_us / num_ops, times["replay"] / num_ops)


def twin_report(result: Mapping[str, Any]) -> str:
    """Return the result as a table for people."""
    header = ["model", "ops", "eager us/op", "capture us/op", "replay us/op", "replay vs eager"]
    rows = [
        [
            cost["model"],
            str(cost["num_ops"]),
            *(f"{cost[key]:.1f}" for key in ("eager_us_per_op", "capture_us_per_op", "replay_us_per_op")),
            f"{cost['speedup']:.2f}x",
        ]
        for cost in result["models"]
    ]
    title = f"{result['device']}, torch {result['torch']}, batch {result['batch']}: the twin's own cost, not CUDA's"
    return f"{title}\n" + table(header, rows)
