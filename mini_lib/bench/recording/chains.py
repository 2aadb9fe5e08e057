"""What copies, products, launches and replays cost: the constants under every step.

A chain adds one to one number, again and again: a kernel that does next to nothing, and a result that tells how many
ran. Its replay takes a fixed time and a time per node; its eager run a time per launch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mini_lib.bench.recording.timed import in_turns, isolated_us, line_through, summary
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.graphs import capture


def units(bench: Bench) -> Iterator[Unit]:
    """Yield the units: copies, a product, all chains."""
    yield Unit("copy", partial(_copies, bench))
    yield Unit("matmul", partial(_product, bench))
    yield Unit("chains", partial(_chains, bench))


def _copies(bench: Bench) -> Measured:
    rows = []
    for num_bytes in filter(lambda size: bench.holds(3 * size), bench.plan.copy_bytes):  # comparing takes a third
        source = torch.randint(0, 256, (num_bytes,), dtype=torch.uint8, device=bench.device)
        target = torch.empty_like(source)
        times = in_turns({"copy": partial(target.copy_, source)}, bench.plan.rounds, bench.device_module)["copy"]
        rate = 2 * num_bytes / times["median_us"] / 1e3
        equal = torch.equal(source, target)
        rows.append({"what": "copy", "num_bytes": num_bytes, "copy_gb_per_s": rate, **times, "equal": equal})
        del source, target
        bench.release()
    return Measured(rows)


def _product(bench: Bench) -> Measured:
    width = bench.plan.matmul_width
    one, other = (torch.randn(width, width, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(one)
    calls = {"matmul": partial(torch.mm, one, other, out=out)}
    times = in_turns(calls, bench.plan.rounds, bench.device_module)["matmul"]
    rate = 2 * width**3 / times["median_us"] / 1e6
    return Measured([{"what": "matmul", "width": width, "dtype": "bfloat16", "tflops": rate, **times}])


def _chains(bench: Bench) -> Measured:
    rows = [row for nodes in bench.plan.chain_nodes for row in _chain(bench, nodes)]
    return Measured([*rows, _fit(rows)])


def _chain(bench: Bench, nodes: int) -> Iterator[dict[str, Any]]:
    """Yield a row of the eager chain and one of its replay."""
    value = torch.zeros(1, device=bench.device)

    def eager() -> Tensor:
        for _ in range(nodes):
            value.add_(1)
        return value

    graph = capture(eager, device_module=bench.device_module)
    calls: dict[str, Callable[[], object]] = {"eager": eager, "replay": graph.graph.replay}
    equal = {way: adds(call, value, nodes) for way, call in calls.items()}
    queued = in_turns(calls, bench.plan.rounds, bench.device_module)
    for way, call in calls.items():
        times = summary(isolated_us(call, bench.plan.rounds, bench.device_module))
        host_us = _host_us(call, bench)
        head = {"what": "chain", "nodes": nodes, "way": way}
        yield {**head, **times, "queued_us": queued[way]["median_us"], "host_us": host_us, "equal": equal[way]}


def adds(call: Callable[[], object], value: Tensor, nodes: int) -> bool:
    """Tell whether a call adds one as often as there are nodes."""
    value.zero_()
    call()
    return int(value.item()) == nodes


def _host_us(call: Callable[[], object], bench: Bench) -> float:
    """Return the CPU time until a call returns, its work queued on an idle device.

    An eager chain longer than the queue of launches (about 1,024 in practice) waits for the device in here.
    """
    times = []
    for _ in range(bench.plan.rounds.rounds * bench.plan.rounds.calls):
        bench.device_module.synchronize()
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)


def _fit(rows: list[dict[str, Any]]) -> dict[str, Any]:
    eager, replay = (
        line_through({row["nodes"]: row["median_us"] for row in rows if row["way"] == way}, relative=True)
        for way in ("eager", "replay")
    )
    return {
        "what": "chain fit",
        "eager_launch_us": eager.slope,
        "fixed_us": replay.offset,
        "node_us": replay.slope,
        "r_squared": replay.r_squared,
    }
