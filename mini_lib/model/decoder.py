"""What the three styles of the decoder share: embedding, rotation, final norm and head. Llama's shape, random weights.

The styles compute the same function from the same weights; they differ in how many kernels it takes. `naive` writes
each formula out, as a reference implementation does; `lean` merges matrices and uses torch's own norm; `fused` uses one
op per production kernel and keeps the residual beside the hidden state.

Not modelled: dropout, biases, tensor parallelism, and training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.attention import attention, opaque_attention
from mini_lib.model.ops import sample
from mini_lib.model.weights import Weights, frozen

Rotation = tuple[Tensor, Tensor]  # cosines and sines of the angles by which a step's tokens are turned
EMBEDDING_STD = 0.02  # GPT-2's. Small, or a tied head would answer every token with itself


class Decoder(nn.Module):
    """A decoder made of layers of one style, each called as `layer(hidden, positions, rotation) -> hidden`."""

    def __init__(
        self, config: ModelConfig, weights: Weights, new_layer: Callable[[ModelConfig, Weights, int], nn.Module]
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding = frozen(weights.matrix("embedding", config.vocab_size, config.hidden_size, EMBEDDING_STD))
        self.layers: Any = nn.ModuleList(  # of new_layer's type, which ModuleList forgets
            new_layer(config, weights, layer) for layer in range(config.num_layers)
        )
        self.norm = frozen(weights.norm("norm", config.hidden_size))
        self.head = self.embedding
        if not config.tie_embeddings:
            self.head = frozen(weights.matrix("head", config.vocab_size, config.hidden_size, EMBEDDING_STD))
        self.cos_sin: Tensor
        self.register_buffer("cos_sin", rotation_table(config).to(weights.device), persistent=False)

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Return the hidden states after the final norm, (T, hidden_size), for ids and positions of shape (T,)."""
        hidden = functional.embedding(input_ids, self.embedding)
        rotation = self.rotation(positions)
        for layer in self.layers:
            hidden = layer(hidden, positions, rotation)
        return self.final_norm(hidden)

    def rotation(self, positions: Tensor) -> Rotation:
        """Return cosines and sines, each (T, 1, head_dim / 2), once for all layers."""
        cos, sin = self.cos_sin[positions].unsqueeze(1).to(self.norm.dtype).chunk(2, dim=-1)
        return cos, sin

    def final_norm(self, hidden: Tensor) -> Tensor:
        """Return what the head reads, (T, hidden_size)."""
        return functional.rms_norm(hidden, self.norm.shape, self.norm, self.config.rms_eps)

    def compute_logits(self, hidden_rows: Tensor) -> Tensor:
        """Return the logits of each row, (R, vocab_size)."""
        return functional.linear(hidden_rows, self.head)

    def sample(self, hidden_rows: Tensor) -> Tensor:
        """Return the likeliest next token of each row, int64 of shape (R,)."""
        return sample(self.compute_logits(hidden_rows))


class PreNormLayer(nn.Module):
    """What the layers of all styles have: a norm before each half, and the matrices that nobody merges.

    A style adds its other matrices and the way through all of them.
    """

    def __init__(self, config: ModelConfig, weights: Weights, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        name, hidden_size = f"layers.{layer}", config.hidden_size
        self.o = frozen(weights.matrix(f"{name}.o", hidden_size, config.q_size))
        self.down = frozen(weights.matrix(f"{name}.down", hidden_size, config.intermediate_size))
        self.attention_norm = frozen(weights.norm(f"{name}.attention_norm", hidden_size))
        self.mlp_norm = frozen(weights.norm(f"{name}.mlp_norm", hidden_size))
        if config.qk_norm:
            self.q_norm = frozen(weights.norm(f"{name}.q_norm", config.head_dim))
            self.k_norm = frozen(weights.norm(f"{name}.k_norm", config.head_dim))


def rotation_table(config: ModelConfig) -> Tensor:
    """Return RoPE's cosines and sines side by side, float32 of shape (max_model_len, head_dim)."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    angles = torch.outer(torch.arange(config.max_model_len, dtype=torch.float64), config.rope_theta**-exponents)
    return torch.cat((angles.cos(), angles.sin()), dim=-1).float()


def attend(q: Tensor, k: Tensor, v: Tensor, positions: Tensor, layer: int) -> Tensor:
    """Return what each token sees, heads side by side, (T, num_heads * head_dim)."""
    out = torch.empty_like(q, memory_format=torch.contiguous_format)
    call = opaque_attention if torch.compiler.is_compiling() else attention
    call(q, k, v, out, positions, layer)
    return out.flatten(1)
