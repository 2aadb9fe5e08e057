"""What the graphs of several sizes cost in memory, by the order in which they are recorded.

Graphs in one pool reuse one another's blocks. Recorded largest first, the small ones fit into what the large one left;
smallest first, each finds only blocks that are too small for it. With a pool each, nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from mini_lib.bench.stopwatch import once_ms
from mini_lib.graphs.capture import CapturedGraph, PoolHandle, capture
from mini_lib.graphs.device import reserved_bytes


@dataclass(frozen=True)
class CaptureCost:
    """One graph of a series: its rows, its capture time, and what its pool reserves once it is there."""

    size: int
    capture_ms: float
    reserved_bytes: int


def shared_pool_costs(
    fn: Callable[[Tensor], Tensor], example: Tensor, sizes: Sequence[int], device_module: ModuleType
) -> list[CaptureCost]:
    """Record one graph per size in the given order and one pool, and return what each added up to.

    `example` holds at least `max(sizes)` rows; the graph for n rows reads its first n.
    """
    pool = device_module.graph_pool_handle()
    return _costs(fn, example, sizes, device_module, lambda: pool)


def own_pool_costs(
    fn: Callable[[Tensor], Tensor], example: Tensor, sizes: Sequence[int], device_module: ModuleType
) -> list[CaptureCost]:
    """The same with a pool for each graph: the bytes are those of that graph alone."""
    return _costs(fn, example, sizes, device_module, device_module.graph_pool_handle)


def _costs(
    fn: Callable[[Tensor], Tensor],
    example: Tensor,
    sizes: Sequence[int],
    device_module: ModuleType,
    next_pool: Callable[[], PoolHandle],
) -> list[CaptureCost]:
    graphs: list[CapturedGraph] = []  # keeps every graph alive until all are counted
    costs = []
    for size in sizes:
        pool = next_pool()

        def record(size: int = size, pool: PoolHandle = pool) -> None:
            graphs.append(capture(fn, example[:size], device_module=device_module, pool=pool))

        with torch.no_grad():
            elapsed = once_ms(record, device_module)
        costs.append(CaptureCost(size, elapsed, reserved_bytes(pool, device_module)))
    return costs
