"""The naive style: every formula written out op by op, as Hugging Face's reference code has it. Many small kernels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.decoder import Decoder, PreNormLayer, Rotation, attend
from mini_lib.model.weights import Weights, frozen


class NaiveLayer(PreNormLayer):
    """One layer with a matrix each for q, k, v, gate and up."""

    q: Tensor
    k: Tensor
    v: Tensor
    gate: Tensor
    up: Tensor

    def __init__(self, config: ModelConfig, weights: Weights, layer: int) -> None:
        super().__init__(config, weights, layer)
        name, hidden_size = f"layers.{layer}", config.hidden_size
        for part, num_rows in (("q", config.q_size), ("k", config.kv_size), ("v", config.kv_size)):
            self.register_parameter(part, frozen(weights.matrix(f"{name}.{part}", num_rows, hidden_size)))
        for part in ("gate", "up"):
            matrix = weights.matrix(f"{name}.{part}", config.intermediate_size, hidden_size)
            self.register_parameter(part, frozen(matrix))

    def forward(self, hidden: Tensor, positions: Tensor, rotation: Rotation) -> Tensor:
        """Return the hidden states after this layer, (T, hidden_size)."""
        hidden = hidden + self._attend(self._norm(hidden, self.attention_norm), positions, rotation)
        return hidden + self._mlp(self._norm(hidden, self.mlp_norm))

    def _attend(self, hidden: Tensor, positions: Tensor, rotation: Rotation) -> Tensor:
        q, k, v = (functional.linear(hidden, matrix).unflatten(-1, (-1, self.config.head_dim))
                   for matrix in (self.q, self.k, self.v))  # fmt: skip
        if self.config.qk_norm:
            q, k = self._norm(q, self.q_norm), self._norm(k, self.k_norm)
        cos, sin = rotation
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        return functional.linear(attend(q, k, v, positions, self.layer), self.o)

    def _mlp(self, hidden: Tensor) -> Tensor:
        gate, up = functional.linear(hidden, self.gate), functional.linear(hidden, self.up)
        return functional.linear(functional.silu(gate) * up, self.down)

    def _norm(self, hidden: Tensor, weight: Tensor) -> Tensor:
        return normalised(hidden, weight, self.config.rms_eps)


class NaiveDecoder(Decoder):
    """The decoder in the naive style."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        super().__init__(config, weights, NaiveLayer)

    def rotation(self, positions: Tensor) -> Rotation:
        """Return cosines and sines, each (T, 1, head_dim): both halves of a head turn by the same angles."""
        cos, sin = super().rotation(positions)
        return torch.cat((cos, cos), dim=-1), torch.cat((sin, sin), dim=-1)

    def final_norm(self, hidden: Tensor) -> Tensor:
        """Return what the head reads, (T, hidden_size)."""
        return normalised(hidden, self.norm, self.config.rms_eps)


def normalised(hidden: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return RMSNorm in primitive ops: six kernels where one would do, and two casts more in 16 bits."""
    wide = hidden.float()
    variance = wide.pow(2).mean(-1, keepdim=True)
    return weight * (wide * torch.rsqrt(variance + eps)).to(hidden.dtype)


def rotate_half(heads: Tensor) -> Tensor:
    """Return (-right, left) for the left and right half of each head: a quarter turn of each pair."""
    left, right = heads.chunk(2, dim=-1)
    return torch.cat((-right, left), dim=-1)
