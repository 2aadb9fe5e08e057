"""`bench graph`: a small MLP, run normally and replayed from a CUDA graph.

The model is the simple demo of the field: 512 → 1024 → 1024 → 512, batch 32, float32. Measured: time per call of both,
whether they agree, what capture costs, what several sizes cost in memory, and what a graph refuses.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mini_lib.bench.constraints import find_constraints
from mini_lib.bench.memory import own_pool_costs, shared_pool_costs
from mini_lib.bench.provenance import on_gpu, one_cpu_thread, provenance
from mini_lib.bench.stopwatch import median_us, once_ms
from mini_lib.graphs import CapturedGraph, capture, device_of

WIDTHS = (512, 1024, 1024, 512)
BATCH = 32
NUM_CAPTURES = 3
MEMORY_SIZES = (4096, 2048, 1024, 512)
"""Rows of the graphs whose memory is shown. Allocators hold small blocks in segments of 2 and 20 MiB: only an
activation of more than 10 MiB (4096 rows of 1024 floats are 16 MiB) lets the order of capture show."""
CPU_NOTE = (
    "These are times of the CPU twin. A CPU has no kernel launch to save, so the ratio says nothing about CUDA: "
    "run this on a GPU to see the effect."
)


def mlp(device: torch.device) -> nn.Module:
    """Return the demo's model: three linear layers with ReLU between them, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for width, next_width in itertools.pairwise(WIDTHS):
            layers += [nn.Linear(width, next_width), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(device).eval()


def bench_graph(
    device_module: ModuleType, iterations: int, arguments: Sequence[str], progress: bool = True
) -> dict[str, Any]:
    """Return the whole result of `bench graph`, ready for JSON; units are in the names."""
    device = device_of(device_module)
    model, generator = mlp(device), torch.Generator().manual_seed(1)
    batches = torch.randn(max(MEMORY_SIZES), WIDTHS[0], generator=generator).to(device)
    with torch.no_grad(), one_cpu_thread():
        result = {
            **provenance("graph", arguments, device_module),
            "model": "MLP " + " -> ".join(map(str, WIDTHS)),
            "batch": BATCH,
            "iterations": iterations,
            **_speed(model, batches, iterations, device_module, progress),
            "memory": _memory(model, batches, device_module),
        }
    result["constraints"] = [asdict(finding) for finding in find_constraints(device_module)]
    result["note"] = "" if on_gpu(device_module) else CPU_NOTE
    return result


def _speed(
    model: nn.Module, batches: Tensor, iterations: int, device_module: ModuleType, progress: bool
) -> dict[str, Any]:
    batch, other = batches[:BATCH].clone(), batches[BATCH : 2 * BATCH].clone()
    graphs: list[CapturedGraph] = []

    def record() -> None:
        graphs.append(capture(model, batch.clone(), device_module=device_module))

    record()  # the first capture of all pays for libraries that load: not what a capture costs
    capture_ms = statistics.median(once_ms(record, device_module) for _ in range(NUM_CAPTURES))
    contestants = {"eager": lambda: model(batch), "replay": lambda: graphs[0].replay(batch)}
    times = median_us(contestants, iterations, device_module, progress)
    return {
        "eager_us": times["eager"],
        "replay_us": times["replay"],
        "speedup": times["eager"] / times["replay"],
        "saved_us": times["eager"] - times["replay"],
        "capture_ms": capture_ms,
        **_agreement(model, graphs[0], other),
    }


def _agreement(model: nn.Module, graph: CapturedGraph, batch: Tensor) -> dict[str, Any]:
    """Compare on a batch that capture has not seen, or a graph that ignores its inputs would agree too."""
    expected, replayed = model(batch), graph.replay(batch)
    return {
        "max_abs_diff": (replayed - expected).abs().max().item(),
        "bit_equal": torch.equal(replayed, expected),
    }


def _memory(model: nn.Module, batches: Tensor, device_module: ModuleType) -> dict[str, list[dict[str, Any]]]:
    descending, ascending = sorted(MEMORY_SIZES, reverse=True), sorted(MEMORY_SIZES)
    series = {
        "largest_first_shared_pool": shared_pool_costs(model, batches, descending, device_module),
        "smallest_first_shared_pool": shared_pool_costs(model, batches, ascending, device_module),
        "own_pools": own_pool_costs(model, batches, descending, device_module),
    }
    return {name: [asdict(cost) for cost in costs] for name, costs in series.items()}
