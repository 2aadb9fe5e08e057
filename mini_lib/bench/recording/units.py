"""What a part consists of: units that are measured one after the other, and what they share."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, NamedTuple

import torch

from mini_lib.bench.provenance import on_gpu
from mini_lib.bench.recording.plan import Plan
from mini_lib.bench.recording.stepper import BLOCK_SIZE, num_blocks
from mini_lib.config import ModelConfig
from mini_lib.graphs import device_of
from mini_lib.model import default_dtype

SPARE_BYTES = 4 * 2**30  # assumed to be enough for activations, workspaces and graphs of the largest step


class Measured(NamedTuple):
    """The rows of a unit, and a sentence on each thing that it had to leave out."""

    rows: Sequence[Mapping[str, Any]]
    skipped: Sequence[str] = ()


class Unit(NamedTuple):
    """A piece of a part that is measured in one go. Its name is what a later run knows it by.

    `needs` names what is built for it and kept for the units after it that need the same.
    """

    name: str
    measure: Callable[[], Measured]
    needs: str = ""


@dataclass(frozen=True)
class Bench:
    """The plan and the device that all units of a run share."""

    plan: Plan
    device_module: ModuleType

    @property
    def device(self) -> torch.device:
        """Where tensors live."""
        return device_of(self.device_module)

    def dtype(self, config: ModelConfig) -> torch.dtype:
        """Return what a model computes in here."""
        return default_dtype(config, self.device)

    def served(self, config: ModelConfig) -> ModelConfig:
        """Return a model as it is measured: to the context of the plan, no longer and no shorter."""
        return replace(config, max_model_len=self.plan.context)

    def fits(self, config: ModelConfig, batch: int) -> bool:
        """Tell whether weights and the KV of `batch` requests fit into the device's memory."""
        return self.holds(bytes_needed(config, batch, self.plan.context))

    def holds(self, num_bytes: int) -> bool:
        """Tell whether the device has so much memory besides what is spared. The twin's is endless."""
        return not on_gpu(self.device_module) or num_bytes + SPARE_BYTES <= torch.cuda.mem_get_info()[1]

    def release(self) -> None:
        """Give back memory that nobody holds any more, before something large is built."""
        gc.collect()  # wrappers and graphs may hold one another
        if on_gpu(self.device_module):
            torch.cuda.synchronize()
            torch.cuda.empty_cache()


def bytes_needed(config: ModelConfig, batch: int, context: int, itemsize: int = 2) -> int:
    """Return the bytes of weights and of the KV caches for `batch` requests of `context` tokens.

    >>> round(bytes_needed(ModelConfig.llama_3_8b(), 256, 1024) / 2**30)
    47
    """
    kv_entries = 2 * config.num_layers * config.kv_size * num_blocks(batch, context) * BLOCK_SIZE
    return itemsize * (config.num_parameters + kv_entries)
