"""The exact-integer model: its next token is a hash of every KV entry of its request, read through the page table.

It has the skeleton of a decoder (embed, per layer write KV and read all KV, mix, sample) and no floating point, so its
tokens are equal or wrong, on every device and at every batch size. One wrong entry in a KV cache, a page table, a
position, an order or a slot changes the hash, and the next token in all but one of `vocab_size` cases; and since each
token is hashed into all that follow, a wrong one is not made good again.

Not modelled: sense. Nothing here is learned, and similar texts do not give similar tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.model.attention import hash_attention, opaque_hash_attention
from mini_lib.model.hashing import GOLDEN, mix
from mini_lib.model.weights import Weights, frozen


class ExactLayer(nn.Module):
    """One layer: hash the hidden state into q, k and v; write and read KV; hash what was seen into the hidden state."""

    def __init__(self, config: ModelConfig, weights: Weights, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        self.multiplier = frozen(weights.integers(f"layers.{layer}.multiplier", 3, config.hidden_size))
        self.addend = frozen(weights.integers(f"layers.{layer}.addend", 3, config.hidden_size))

    def forward(self, hidden: Tensor, positions: Tensor) -> Tensor:
        """Return the next hidden state of shape (T, hidden_size)."""
        placed = hidden + (positions * GOLDEN).unsqueeze(1)
        q, k, v = mix(placed.unsqueeze(1) * self.multiplier + self.addend).unsqueeze(2).unbind(1)
        out = torch.empty_like(q)
        attend = opaque_hash_attention if torch.compiler.is_compiling() else hash_attention
        attend(q, k, v, out, positions, self.layer)
        seen = out.squeeze(1)
        return mix(hidden + seen + seen.roll(1, -1) * GOLDEN)  # each channel hears of the others


class ExactModel(nn.Module):
    """The exact-integer model. Keeps weights and no state: KV caches come with the forward context."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        super().__init__()
        self.config = config
        self.embedding = frozen(weights.integers("embedding", config.vocab_size, config.hidden_size))
        self.layers = nn.ModuleList(ExactLayer(config, weights, layer) for layer in range(config.num_layers))
        self.head = frozen(weights.integers("head", config.hidden_size))

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Return the hidden states, int64 of shape (T, hidden_size), for token ids and positions of shape (T,)."""
        hidden = functional.embedding(input_ids, self.embedding)
        for layer in self.layers:
            hidden = layer(hidden, positions)
        return hidden

    def sample(self, hidden_rows: Tensor) -> Tensor:
        """Return the next token of each row, int64 of shape (R,), from 0 to vocab_size - 1."""
        return torch.remainder(mix((hidden_rows * self.head).sum(-1)), self.config.vocab_size)
