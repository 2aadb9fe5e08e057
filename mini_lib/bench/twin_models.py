"""The models on which the twin's own cost is measured: many small ops, as a decode step has.

They are functions of one tensor, made for counting ops and not for text: weights are random, norms and rotations are
written out op by op, and the decoder attends over a KV cache of fixed length.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

NUM_HEADS = 4
CONTEXT = 32


def mlp_step(width: int, num_layers: int, num_rows: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return a chain of linear layers and ReLUs as an nn.Module, and an input of shape (num_rows, width)."""
    layers: list[torch.nn.Module] = []
    for _ in range(num_layers):
        layers += [torch.nn.Linear(width, width), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers).eval(), torch.randn(num_rows, width)


class Layer(torch.nn.Module):
    """One decoder layer for one token per row: norm, attention over its cache, norm, gated MLP."""

    cache: Tensor  # keys and values: (2, rows, heads, context, width of a head)

    def __init__(self, width: int, num_rows: int) -> None:
        super().__init__()
        self.qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.out = torch.nn.Linear(width, width, bias=False)
        self.gate_up = torch.nn.Linear(width, 4 * width, bias=False)
        self.down = torch.nn.Linear(2 * width, width, bias=False)
        self.register_buffer("cache", torch.randn(2, num_rows, NUM_HEADS, CONTEXT, width // NUM_HEADS))

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.out(self._attend(_norm(hidden)))
        gate, up = self.gate_up(_norm(hidden)).chunk(2, dim=-1)
        return hidden + self.down(functional.silu(gate) * up)

    def _attend(self, hidden: Tensor) -> Tensor:
        query, key, value = self.qkv(hidden).view(hidden.shape[0], 3, NUM_HEADS, -1).unbind(1)
        keys, values = self.cache[0], self.cache[1]
        keys[:, :, -1].copy_(key)
        values[:, :, -1].copy_(value)
        scores = (query.unsqueeze(2) @ keys.transpose(-1, -2)) * query.shape[-1] ** -0.5
        return (scores.softmax(-1) @ values).reshape(hidden.shape)


def decoder_step(width: int, num_layers: int, num_rows: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return a decoder's step on hidden states, and an input of shape (num_rows, width)."""
    layers = [Layer(width, num_rows) for _ in range(num_layers)]
    return torch.nn.Sequential(*layers).eval(), torch.randn(num_rows, width)


def _norm(hidden: Tensor) -> Tensor:
    return hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + 1e-6)
