"""From a config to a model with weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from mini_lib.config import ModelConfig
from mini_lib.model.exact import ExactModel
from mini_lib.model.fused import FusedDecoder
from mini_lib.model.lean import LeanDecoder
from mini_lib.model.naive import NaiveDecoder
from mini_lib.model.weights import Weights


class Model(Protocol):
    """What an engine needs of a model. It has weights and no state; KV caches come with the forward context."""

    config: ModelConfig

    def __call__(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Return one hidden state per token, shape (T, hidden_size), for int64 tensors of shape (T,)."""

    def sample(self, hidden_rows: Tensor) -> Tensor:
        """Return the next token of each row, int64 of shape (R,)."""

    def parameters(self) -> Iterator[Tensor]:
        """Return the weights."""


def build_model(
    config: ModelConfig,
    *,
    style: str = "lean",
    seed: int = 0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Model:
    """Return a model of this shape with random weights, the same for a seed on every machine and in every style.

    `style` says how a decoder is written (`mini_lib.model.decoder`); the exact model has one style, whatever it says.
    `dtype` None follows the device (`default_dtype`). On "meta" nothing is drawn and no memory is taken: to count.

    Raises:
        ValueError: a style that does not exist, or a dtype other than int64 for the exact model.
    """
    weights = Weights(seed, torch.device(device), dtype or default_dtype(config, device))
    if config.family == "exact":
        if weights.dtype != torch.int64:
            raise ValueError(f"The exact model computes in int64, and was asked for {dtype}: leave dtype out.")
        return ExactModel(config, weights)
    match style:
        case "naive":
            return NaiveDecoder(config, weights)
        case "lean":
            return LeanDecoder(config, weights)
        case "fused":
            return FusedDecoder(config, weights)
    raise ValueError(f"there is no style {style!r}: choose 'naive', 'lean' or 'fused'.")


def default_dtype(config: ModelConfig, device: torch.device | str) -> torch.dtype:
    """Return what `config` computes in on `device`: int64 for the exact model, float32 on a CPU, else 16 bits.

    On a GPU bfloat16 where it has instructions for it (compute capability 8.0 and up), else float16: a T4 only emulates
    bfloat16.
    """
    if config.family == "exact":
        return torch.int64
    if torch.device(device).type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16
