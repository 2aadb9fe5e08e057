"""What captures cost: seconds and bytes per size of a ladder, in one pool and in many, in both orders; and when a
capture has paid for itself.

One full graph per size, recorded by the engine's own start-up: a warm-up, then the capture, timed together. Bytes are
what the pool of the graphs grew by, which torch's allocator says; what the driver says is gone stands beside, for
graphs also take memory that no allocator knows of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from mini_lib.bench.provenance import on_gpu
from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.stepper import KVCaches, Stepper, fill, graphed, kv_caches_for
from mini_lib.bench.recording.timed import in_turns
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine.capture_model import CaptureCost

STYLE = "fused"
EAGER, FULL = CUDAGraphMode.NONE, CUDAGraphMode.FULL
ORDERS = ("largest first", "smallest first")
POOLS = ("shared", "own")


def units(bench: Bench) -> Iterator[Unit]:
    """Yield a unit for each pool and order, then one per style whose captures are to pay for themselves."""
    for pool in POOLS:
        for order in ORDERS:
            yield Unit(f"captures, {pool} pool, {order}", partial(_ladder, bench, pool, order))
    for style in bench.plan.paid_styles:
        yield Unit(f"paid, {style}", partial(_paid, bench, style))


def _ladder(bench: Bench, pool: str, order: str) -> Measured:
    if refusal := _refusal(bench, max(bench.plan.capture_sizes)):
        return refusal
    sizes = sorted(bench.plan.capture_sizes, reverse=order == ORDERS[0])
    model, caches = _model(bench, STYLE, max(sizes))
    bench.release()
    free_before = _free_bytes(bench)
    steppers = [
        _stepper(bench, STYLE, model, caches, one) for one in ([sizes] if pool == "shared" else [[s] for s in sizes])
    ]
    bench.release()
    costs = [cost for stepper in steppers for cost in stepper.report.costs]
    head = {"model": bench.plan.capture_model.name, "style": STYLE, "pool": pool, "order": order}
    rows = [{"what": "capture", **head, **_of(cost)} for cost in costs]
    return Measured(
        [*rows, {"what": "captures", **head, **_sums(costs), "device_bytes": free_before - _free_bytes(bench)}]
    )


def _paid(bench: Bench, style: str) -> Measured:
    if refusal := _refusal(bench, max(bench.plan.paid_sizes)):
        return refusal
    sizes = sorted(bench.plan.paid_sizes, reverse=True)
    model, caches = _model(bench, style, max(sizes))
    stepper = _stepper(bench, style, model, caches, sizes)
    fill(caches)
    head = {"what": "paid", "model": bench.plan.capture_model.name, "style": style, "context": bench.plan.context}
    return Measured([{**head, **_paid_row(bench, stepper, cost)} for cost in stepper.report.costs])


def _paid_row(bench: Bench, stepper: Stepper, cost: CaptureCost) -> dict[str, Any]:
    size = cost.descriptor.num_tokens
    calls = {mode: partial(stepper.run, size, mode) for mode in (EAGER, FULL)}
    times = in_turns(calls, bench.plan.rounds, bench.device_module)
    eager_us, replay_us = (times[mode]["median_us"] for mode in (EAGER, FULL))
    saved_us = eager_us - replay_us
    return {
        **_of(cost),
        "eager_us": eager_us,
        "replay_us": replay_us,
        "replays": cost.capture_ms * 1e3 / saved_us if saved_us > 0 else None,  # None: it never pays
        "iterations": times[FULL]["iterations"],
        "equal": stepper.agrees(size, FULL),
    }


def _of(cost: CaptureCost) -> dict[str, Any]:
    return {"size": cost.descriptor.num_tokens, "capture_ms": cost.capture_ms, "pool_bytes": cost.num_bytes}


def _sums(costs: Sequence[CaptureCost]) -> dict[str, Any]:
    """Return the sums over a ladder. `largest_bytes` is for comparison: the first of a pool that begins with it."""
    largest = max(costs, key=lambda cost: cost.descriptor.num_tokens)
    return {
        "sizes": len(costs),
        "seconds": sum(cost.capture_ms for cost in costs) / 1e3,
        "pool_bytes": sum(cost.num_bytes for cost in costs),
        "largest_bytes": largest.num_bytes,
    }


def _refusal(bench: Bench, batch: int) -> Measured | None:
    config = bench.plan.capture_model
    if bench.fits(config, batch):
        return None
    return Measured((), [f"{config.name} with batch {batch} does not fit into this device's memory: no captures."])


def _model(bench: Bench, style: str, batch: int) -> tuple[nn.Module, KVCaches]:
    bench.release()
    config = bench.served(bench.plan.capture_model)
    dtype = bench.dtype(config)
    model = models_of(config, [style], bench.device, dtype)[style]
    return model, kv_caches_for(config, batch, bench.plan.context, bench.device, dtype)


def _stepper(bench: Bench, style: str, model: nn.Module, caches: KVCaches, sizes: Sequence[int]) -> Stepper:
    ready = graphed(style, [FULL], sizes, bench.device_module)
    return Stepper(model, ready, max(sizes), bench.plan.context, caches)


def _free_bytes(bench: Bench) -> int:
    """Return what the driver has left, 0 on the twin, where nobody counts."""
    return torch.cuda.mem_get_info()[0] if on_gpu(bench.device_module) else 0
