"""The fused style: one op per production kernel, and the residual kept beside the hidden state, as vLLM's Llama does.

Each addition of a residual is done by the norm that follows it, and RoPE by what writes the KV cache, so a layer is
nine kernels: two norms, four matrix products, RoPE with KV write, attention, silu-and-mul, and nothing else but views.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.attention import opaque_rope_attention, rope_attention
from mini_lib.model.decoder import Decoder
from mini_lib.model.lean import LeanLayer
from mini_lib.model.ops import fused_add_rms_norm, rms_norm, silu_and_mul
from mini_lib.model.weights import Weights


class FusedLayer(LeanLayer):
    """One layer on the weights of the lean one. Works in place on hidden state and residual."""

    def run(self, normed: Tensor, residual: Tensor, positions: Tensor, cos_sin: Tensor) -> Tensor:
        """Return what the MLP adds to `residual`; what attention adds is in it already. `normed` is spent."""
        heads = functional.linear(normed, self.qkv).unflatten(-1, (-1, self.config.head_dim))
        q, k, v = heads.split((self.config.num_heads, self.config.num_kv_heads, self.config.num_kv_heads), dim=1)
        if self.config.qk_norm:
            q, k = normalised(q, self.q_norm, self.config), normalised(k, self.k_norm, self.config)
        seen = torch.empty_like(q, memory_format=torch.contiguous_format)
        attend = opaque_rope_attention if torch.compiler.is_compiling() else rope_attention
        attend(q, k, v, seen, positions, cos_sin, self.layer)
        hidden = functional.linear(seen.flatten(1), self.o)
        fused_add_rms_norm(hidden, residual, self.mlp_norm, self.config.rms_eps)
        gate_up = functional.linear(hidden, self.gate_up)
        product = gate_up.new_empty(gate_up.shape[0], self.config.intermediate_size)
        silu_and_mul(product, gate_up)
        return functional.linear(product, self.down)


class FusedDecoder(Decoder):
    """The decoder in the fused style."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        super().__init__(config, weights, FusedLayer)

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Return the hidden states after the final norm, (T, hidden_size), for ids and positions of shape (T,)."""
        residual = functional.embedding(input_ids, self.embedding)
        norms = [*(layer.attention_norm for layer in self.layers[1:]), self.norm]
        hidden = normalised(residual, self.layers[0].attention_norm, self.config)
        for layer, next_norm in zip(self.layers, norms, strict=True):
            hidden = layer.run(hidden, residual, positions, self.cos_sin)
            fused_add_rms_norm(hidden, residual, next_norm, self.config.rms_eps)
        return hidden


def normalised(hidden: Tensor, weight: Tensor, config: ModelConfig) -> Tensor:
    """Return the norm of the last dimension in a tensor of its own."""
    out = torch.empty_like(hidden, memory_format=torch.contiguous_format)
    rms_norm(out, hidden, weight, config.rms_eps)
    return out
