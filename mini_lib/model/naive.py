"""The naive style: every formula written out op by op, as Hugging Face's reference code has it. Many small kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.decoder import attend
from mini_lib.model.weights import Weights, frozen


class NaiveNorm(nn.Module):
    """RMSNorm in primitive ops: six kernels where a fused one would do, and two casts more in 16 bits."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = frozen(weight), eps

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the normalised last dimension of `hidden`, computed in float32."""
        wide = hidden.float()
        variance = wide.pow(2).mean(-1, keepdim=True)
        return self.weight * (wide * torch.rsqrt(variance + self.eps)).to(hidden.dtype)


class NaiveLayer(nn.Module):
    """One layer with a matrix each for q, k, v, gate and up."""

    q: Tensor
    k: Tensor
    v: Tensor
    gate: Tensor
    up: Tensor

    def __init__(self, config: ModelConfig, weights: Weights, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        name, hidden_size = f"layers.{layer}", config.hidden_size
        for part, num_rows in (("q", config.q_size), ("k", config.kv_size), ("v", config.kv_size)):
            self.register_parameter(part, frozen(weights.matrix(f"{name}.{part}", num_rows, hidden_size)))
        for part in ("gate", "up"):
            matrix = weights.matrix(f"{name}.{part}", config.intermediate_size, hidden_size)
            self.register_parameter(part, frozen(matrix))
        self.o = frozen(weights.matrix(f"{name}.o", hidden_size, config.q_size))
        self.down = frozen(weights.matrix(f"{name}.down", hidden_size, config.intermediate_size))
        self.attention_norm = NaiveNorm(weights.norm(f"{name}.attention_norm", hidden_size), config.rms_eps)
        self.mlp_norm = NaiveNorm(weights.norm(f"{name}.mlp_norm", hidden_size), config.rms_eps)
        if config.qk_norm:
            self.q_norm = NaiveNorm(weights.norm(f"{name}.q_norm", config.head_dim), config.rms_eps)
            self.k_norm = NaiveNorm(weights.norm(f"{name}.k_norm", config.head_dim), config.rms_eps)

    def forward(self, hidden: Tensor, positions: Tensor, rotation: Tensor) -> Tensor:
        """Return the hidden states after this layer, (T, hidden_size)."""
        hidden = hidden + self._attend(self.attention_norm(hidden), positions, rotation)
        return hidden + self._mlp(self.mlp_norm(hidden))

    def _attend(self, hidden: Tensor, positions: Tensor, rotation: Tensor) -> Tensor:
        q, k, v = (functional.linear(hidden, matrix).unflatten(-1, (-1, self.config.head_dim))
                   for matrix in (self.q, self.k, self.v))  # fmt: skip
        if self.config.qk_norm:
            q, k = self.q_norm(q), self.k_norm(k)
        cos, sin = (torch.cat((half, half), dim=-1).to(q.dtype) for half in rotation.chunk(2, dim=-1))
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        return functional.linear(attend(q, k, v, positions, self.layer), self.o)

    def _mlp(self, hidden: Tensor) -> Tensor:
        gate, up = functional.linear(hidden, self.gate), functional.linear(hidden, self.up)
        return functional.linear(functional.silu(gate) * up, self.down)


def rotate_half(heads: Tensor) -> Tensor:
    """Return (-right, left) for the left and right half of each head: a quarter turn of each pair."""
    left, right = heads.chunk(2, dim=-1)
    return torch.cat((-right, left), dim=-1)
