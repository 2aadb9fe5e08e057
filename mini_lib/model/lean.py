"""The lean style: merged matrices, one rotation for queries and keys, torch's own norm.

What a careful programmer writes in PyTorch without kernels of their own. `functional.rms_norm` is one kernel on a GPU
and six ops on a CPU, so that the CPU twin counts ten ops a layer more than a GPU would launch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.decoder import Decoder, PreNormLayer, Rotation, attend
from mini_lib.model.weights import Weights, frozen


class LeanLayer(PreNormLayer):
    """One layer with one matrix for q, k and v together, and one for gate and up."""

    def __init__(self, config: ModelConfig, weights: Weights, layer: int) -> None:
        super().__init__(config, weights, layer)
        name, hidden_size = f"layers.{layer}", config.hidden_size
        heads = (("q", config.q_size), ("k", config.kv_size), ("v", config.kv_size))
        self.qkv = frozen(*(weights.matrix(f"{name}.{part}", num_rows, hidden_size) for part, num_rows in heads))
        gate_up = (weights.matrix(f"{name}.{part}", config.intermediate_size, hidden_size) for part in ("gate", "up"))
        self.gate_up = frozen(*gate_up)

    def forward(self, hidden: Tensor, positions: Tensor, rotation: Rotation) -> Tensor:
        """Return the hidden states after this layer, (T, hidden_size)."""
        hidden = hidden + self._attend(self._norm(hidden, self.attention_norm), positions, rotation)
        return hidden + self._mlp(self._norm(hidden, self.mlp_norm))

    def _attend(self, hidden: Tensor, positions: Tensor, rotation: Rotation) -> Tensor:
        num_heads, num_kv_heads = self.config.num_heads, self.config.num_kv_heads
        heads = functional.linear(hidden, self.qkv).unflatten(-1, (-1, self.config.head_dim))
        qk, v = heads.split((num_heads + num_kv_heads, num_kv_heads), dim=1)
        if self.config.qk_norm:
            q, k = qk.split((num_heads, num_kv_heads), dim=1)
            qk = torch.cat((self._norm(q, self.q_norm), self._norm(k, self.k_norm)), dim=1)
        q, k = turned(qk, rotation).split((num_heads, num_kv_heads), dim=1)
        return functional.linear(attend(q, k, v, positions, self.layer), self.o)

    def _mlp(self, hidden: Tensor) -> Tensor:
        gate, up = functional.linear(hidden, self.gate_up).chunk(2, dim=-1)
        return functional.linear(functional.silu(gate) * up, self.down)

    def _norm(self, hidden: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(hidden, weight.shape, weight, self.config.rms_eps)


class LeanDecoder(Decoder):
    """The decoder in the lean style."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        super().__init__(config, weights, LeanLayer)

    def rotation(self, positions: Tensor) -> Rotation:
        """Return cosines and sines, each (T, 1, head_dim); the sines of the left half carry a minus."""
        cos, sin = super().rotation(positions)
        return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def turned(heads: Tensor, rotation: Rotation) -> Tensor:
    """Return `heads` (T, heads, head_dim), each turned by its token's angles, in three kernels."""
    cos, sin = rotation
    return torch.addcmul(heads * cos, heads.roll(heads.shape[-1] // 2, -1), sin)
