"""One decode step that can be run again and again, in any mode and at several batch sizes, on the engine's own parts.

Every request has the same length: its next token is the last one of its context, so attention looks at all of it in
every mode. The step writes the same KV each time and leaves everything as it was: step after step is the same step.

Not modelled: the batch's copy to the device, and requests that grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mini_lib.compilation import CompilationMode, compile_with_inductor
from mini_lib.config import ModelConfig
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode
from mini_lib.engine.capture_model import CaptureReport, capture_model
from mini_lib.engine.device_step import DeviceStep, StepPlan
from mini_lib.engine.forward import GraphedModel
from mini_lib.engine.future_map import FutureMap
from mini_lib.engine.limits import Limits
from mini_lib.engine.staging import StagingSet
from mini_lib.graphs import device_of
from mini_lib.graphs.policies import stream_policy
from mini_lib.model import new_kv_caches

BLOCK_SIZE = 16
KVCaches = tuple[Tensor, ...]


def num_blocks(batch: int, context: int) -> int:
    """Return how many KV blocks `batch` requests of `context` tokens take, with the null block."""
    return 1 + batch * -(-context // BLOCK_SIZE)


def kv_caches_for(config: ModelConfig, batch: int, context: int, device: torch.device, dtype: torch.dtype) -> KVCaches:
    """Return KV caches for so many requests."""
    return new_kv_caches(config, num_blocks(batch, context), BLOCK_SIZE, device, dtype)


def fill(kv_caches: KVCaches) -> None:
    """Fill the caches with random numbers: zeros would hide a wrong read, and may be faster than data."""
    for cache in kv_caches:
        cache.uniform_(-1, 1)


def graphed(
    style: str, modes: Sequence[CUDAGraphMode], sizes: Sequence[int], device_module: ModuleType
) -> GraphedModel:
    """Return what makes a model ready for graphs of these modes and sizes, recorded in this order."""
    keys = [(mode, BatchDescriptor(size)) for mode in modes if mode for size in sizes]
    if style == "inductor":
        return GraphedModel(keys, CompilationMode.VLLM_COMPILE, device_module, compile_with_inductor)
    return GraphedModel(keys, CompilationMode.NONE, device_module)


class Stepper:
    """Runs decode steps of one model. Its graphs are recorded in here; `report` says what each cost.

    Args:
        model: it lives on the device of `device_module`.
        ready: from `graphed`.
        batch: the most requests of a step.
        context: tokens of each request, the new one included.
        kv_caches: from `kv_caches_for`; several steppers may share them, one after the other. They come out empty.
    """

    def __init__(
        self, model: nn.Module, ready: GraphedModel, batch: int, context: int, kv_caches: KVCaches
    ) -> None:  # fmt: skip
        self.context, self.device_module = context, ready.device_module
        device = device_of(ready.device_module)
        limits = Limits(batch, batch, context, BLOCK_SIZE, num_blocks(batch, context))
        policy = stream_policy("auto", ready.device_module)
        whole: Any = model
        self.step = DeviceStep(
            ready.forward(whole), whole.sample, kv_caches, FutureMap(batch, device),
            [StagingSet(limits, policy.host_tensor)], limits, device,
            max_static_tokens=max(batch, ready.largest), count=False,
        )  # fmt: skip
        self.report: CaptureReport = capture_model(self.step, ready, progress=False)
        self._write_batch(batch, whole.config.vocab_size)

    def run(self, batch: int, mode: CUDAGraphMode) -> None:
        """Launch one whole step and return."""
        self.step.run(self._plan(batch, mode))

    def outputs(self, batch: int, mode: CUDAGraphMode) -> tuple[Tensor, ...]:
        """Return the hidden states of two steps with other tokens each: a replay that reads nothing gives one twice."""
        input_ids = self.step.tokens["input_ids"]
        before, found = input_ids.clone(), []
        with torch.no_grad():
            for _ in range(2):
                found.append(self.step.run_model(self._plan(batch, mode)).clone())
                input_ids.copy_(torch.where(before > 0, before - 1, before + 1))
            input_ids.copy_(before)
        return tuple(found)

    def agrees(self, batch: int, mode: CUDAGraphMode) -> bool:
        """Tell whether a mode gives what eager execution gives, bit for bit."""
        pairs = zip(self.outputs(batch, mode), self.outputs(batch, CUDAGraphMode.NONE), strict=True)
        return all(torch.equal(one, other) for one, other in pairs)

    def distance(self, other: Stepper, batch: int) -> float:
        """Return how far eager hidden states are from those of another style with the same weights, as a share."""
        found, wanted = (torch.stack(one.outputs(batch, CUDAGraphMode.NONE)).float() for one in (self, other))
        return float((found - wanted).norm() / wanted.norm())

    def _plan(self, batch: int, mode: CUDAGraphMode) -> StepPlan:
        return StepPlan(0, batch, batch, mode, BatchDescriptor(batch), self.context)

    def _write_batch(self, batch: int, vocab_size: int) -> None:
        """Write the widest batch down: request r in row r + 1, its blocks anywhere. A narrower one is its beginning."""
        step, device = self.step, self.step.page_table.device
        rows = torch.arange(1, batch + 1, device=device)
        blocks_each = step.page_table.shape[1]
        same = torch.Generator(device).manual_seed(0)  # places for all styles, or they would read other KV
        blocks = 1 + torch.randperm(batch * blocks_each, generator=same, device=device)
        step.page_table[1:] = blocks.view(batch, blocks_each)
        last_block = step.page_table[rows, (self.context - 1) // BLOCK_SIZE]
        values = {
            "input_ids": rows * 7919 % vocab_size,  # a prime, so that neighbours have different tokens
            "positions": torch.full_like(rows, self.context - 1),
            "token_rows": rows,
            "slot_mapping": last_block * BLOCK_SIZE + (self.context - 1) % BLOCK_SIZE,
        }
        for name, value in values.items():
            step.tokens[name][:batch] = value
        step.requests["rows"][:batch] = rows
        step.requests["last_token"][:batch] = rows - 1
