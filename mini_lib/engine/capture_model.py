"""Records all graphs at start-up: every key of the dispatcher, the largest first, each after a warm-up.

Largest first, because all graphs share a pool and the small ones then find their memory in what the large one left.
With the garbage collector off, because a collection in the middle of a capture frees device memory, and because there
are tens of thousands of long-lived objects to look through each time (vLLM #21146: 35 s became 2 s).

Warm-up and capture see padding only: row 0, slot 0, null block. So nothing that a request will own is touched.

Not modelled: an estimate of the graphs' memory before the KV cache is allocated.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import torch

from mini_lib.compilation import set_cudagraph_capturing_enabled
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode
from mini_lib.engine.device_step import DeviceStep, StepPlan
from mini_lib.engine.forward import GraphedModel
from mini_lib.graphs.capture import side_stream
from mini_lib.graphs.device import reserved_bytes
from mini_lib.graphs.progress import progress_bar

NUM_WARMUPS = 1


class CaptureCost(NamedTuple):
    """What one key cost at start-up: wall time, and bytes that the pool of the graphs grew by."""

    mode: CUDAGraphMode
    descriptor: BatchDescriptor
    capture_ms: float
    num_bytes: int


class CaptureReport(NamedTuple):
    """All keys in order of capture."""

    costs: tuple[CaptureCost, ...]

    @property
    def num_bytes(self) -> int:
        """What all graphs together reserve."""
        return sum(cost.num_bytes for cost in self.costs)

    @property
    def capture_ms(self) -> float:
        """How long all of it took."""
        return sum(cost.capture_ms for cost in self.costs)

    def __str__(self) -> str:
        lines = [f"{'mode':<9}  {'tokens':>6}  {'ms':>8}  {'MiB':>7}"]
        for mode, key, milliseconds, num_bytes in self.costs:
            lines.append(f"{mode.name:<9}  {key.num_tokens:>6}  {milliseconds:>8.1f}  {num_bytes / 2**20:>7.2f}")
        return "\n".join([*lines, f"{'in all':<17}  {self.capture_ms:>8.1f}  {self.num_bytes / 2**20:>7.2f}"])


def capture_model(step: DeviceStep, graphed: GraphedModel, *, progress: bool = True) -> CaptureReport:
    """Record every graph that `graphed` is made for, and say what each cost. Shows a bar while a person waits.

    Where the model is compiled, that happens here too, in a first run without graphs.
    """
    costs, device_module = [], graphed.device_module
    with torch.no_grad(), step.tokens.only_padding(), side_stream(device_module, device_module.Stream()):
        _run(step, CUDAGraphMode.NONE, BatchDescriptor(step.tokens.max_rows))  # also the most memory that a step takes
        with _garbage_frozen() if graphed.keys else nullcontext(), set_cudagraph_capturing_enabled(True):
            for mode, key in progress_bar(graphed.keys, "Capturing graphs", wanted=progress):
                costs.append(_capture_one(step, graphed, mode, key))
    step.forget()
    return CaptureReport(tuple(costs))


def _capture_one(
    step: DeviceStep, graphed: GraphedModel, mode: CUDAGraphMode, descriptor: BatchDescriptor
) -> CaptureCost:
    """Record one key. The wrappers record when they first meet a key, so this is a forward pass like any other."""
    pool, device_module = graphed.pool, graphed.device_module
    bytes_before, start = reserved_bytes(pool, device_module), time.perf_counter()
    for _ in range(NUM_WARMUPS):
        _run(step, CUDAGraphMode.NONE, descriptor)
    device_module.synchronize()
    _run(step, mode, descriptor)
    elapsed_ms = (time.perf_counter() - start) * 1e3
    return CaptureCost(mode, descriptor, elapsed_ms, reserved_bytes(pool, device_module) - bytes_before)


def _run(step: DeviceStep, mode: CUDAGraphMode, descriptor: BatchDescriptor) -> None:
    """Run a batch of padding. Attention looks as far as it ever may: a full graph keeps that number."""
    step.run_model(StepPlan(0, descriptor.num_tokens, 0, mode, descriptor, step.limits.max_model_len))


@contextmanager
def _garbage_frozen() -> Iterator[None]:
    """Collect garbage once, then neither look at old objects nor collect new ones, for the length of a `with`."""
    was_enabled, was_frozen = gc.isenabled(), gc.get_freeze_count() > 0
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        if not was_frozen:  # a program that froze its objects itself wants them to stay so
            gc.unfreeze()
        if was_enabled:
            gc.enable()
