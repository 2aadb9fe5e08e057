"""Small models with an attention of their own, to compile: it multiplies by a number from the forward context."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_lib.dispatch.forward_context import get_forward_context
from mini_lib.dispatch.splitting_ops import splitting_op
from mini_lib.graphs import device_of, get_device_module

DEVICE = device_of(get_device_module())
WIDTH = 8


@splitting_op
def toy_attention(q: Tensor, out: Tensor, layer: int) -> None:
    """Write q, times the number in the forward context, plus the number of the layer, to `out`."""
    out.copy_(q)
    out.mul_(get_forward_context().attn_metadata).add_(layer)


@torch.library.custom_op("toy::attention", mutates_args=("out",))
def opaque(q: Tensor, out: Tensor, layer: int) -> None:
    toy_attention(q, out, layer)


@opaque.register_fake
def _(q: Tensor, out: Tensor, layer: int) -> None:
    """Write nothing."""


SPLITTING_OPS = {"toy::attention": toy_attention}


def attend(q: Tensor, layer: int, **kwargs: int) -> Tensor:
    """Call the op that Dynamo sees as one node, or the function behind it."""
    out = torch.empty_like(q)
    if torch.compiler.is_compiling():
        torch.ops.toy.attention(q, out, **kwargs) if kwargs else torch.ops.toy.attention(q, out, layer)
    else:
        toy_attention(q, out, layer)
    return out


class Layer(nn.Module):
    """Norm, projection, attention, projection, residual add."""

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.layer, self.eps = layer, 1e-5
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, WIDTH))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.o = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, hidden: Tensor, positions: Tensor) -> Tensor:
        q, k, v = self.qkv(functional.rms_norm(hidden, (WIDTH,), self.weight, self.eps)).chunk(3, -1)
        return hidden + self.o(attend(q + k * v + positions.unsqueeze(1), self.layer))


class Decoder(nn.Module):
    """`num_layers` layers over an embedding, and a last norm."""

    def __init__(self, num_layers: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, WIDTH)
        self.layers = nn.ModuleList(Layer(layer) for layer in range(num_layers))
        self.norm = nn.RMSNorm(WIDTH)

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        hidden = self.embedding(input_ids)
        for layer in self.layers:
            hidden = layer(hidden, positions)
        return self.norm(hidden)


def decoder(num_layers: int = 3) -> Decoder:
    """Return a decoder with the same weights at every call."""
    torch.manual_seed(7)
    return Decoder(num_layers).to(DEVICE)


def tokens(num_tokens: int, start: int = 0) -> tuple[Tensor, Tensor]:
    """Return token ids and positions of `num_tokens` tokens, 0 among them."""
    positions = torch.arange(start, start + num_tokens, device=DEVICE)
    return positions * 7 % 50, positions
