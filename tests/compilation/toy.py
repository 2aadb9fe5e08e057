"""A toy decoder with attention that only metadata knows how to scale: whole, cut, or captured, it is the same text."""

from __future__ import annotations

import functools

import torch

from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, get_forward_context, set_forward_context, splitting_op
from mini_lib.graphs import BufferSpec, InputBuffers


class Attention:
    """Counts its calls, and scales row i of layer l by `scales[l]` of the metadata of *this* step."""

    def __init__(self):
        self.calls = []
        self.op = splitting_op(self._attend)

    def _attend(self, x, out, layer):
        scales, history = get_forward_context().attn_metadata
        self.calls.append(layer)
        history[layer].add_(x.sum(0))  # as a KV cache is written: a capture must leave it alone
        out.copy_(x * scales[layer])


class Toy:
    """Layers of elementwise kernels around attention: exact at every batch size, so results are compared exactly."""

    def __init__(self, world, num_layers=3, width=4):
        self.world, self.num_layers, self.width = world, num_layers, width
        self.attention = Attention()
        self.weights = [world.tensor([[1.0 + layer, -2.0, 3.0, 0.5]]) for layer in range(num_layers)]
        self.history = [world.tensor([0.0] * width) for _ in range(num_layers)]

    def __call__(self, x):
        hidden = x + 1
        for layer, weight in enumerate(self.weights):
            q = hidden * weight
            out = torch.empty_like(q)
            self.attention.op(q, out, layer)
            hidden = (hidden + out * 0.5).clamp(-50, 50)
        return hidden * 2

    def metadata(self, *scales):
        return (scales or (2.0, 0.25, -1.0)), self.history

    def eagerly(self, x, *scales):
        """Return what the model gives outside of all graphs, and leave its history as it was."""
        before = [kept.clone() for kept in self.history]
        with set_forward_context(attn_metadata=self.metadata(*scales)):
            result = self(x)
        for kept, old in zip(self.history, before, strict=True):
            kept.copy_(old)
        return result

    def run(self, wrapper, x, *scales, mode=CUDAGraphMode.PIECEWISE):
        """Call `wrapper` on the static tensor `x`, with the metadata of this step."""
        with set_forward_context(mode, BatchDescriptor(x.shape[0]), self.metadata(*scales)):
            return wrapper(x)

    def rows(self, num_rows, start=1.0):
        """Return `num_rows` rows of distinct values."""
        count = num_rows * self.width
        return (torch.arange(count, dtype=torch.float32, device=self.world.device) * 0.25 + start).view(-1, self.width)

    @functools.cached_property
    def buffers(self):
        """Static inputs for up to 16 rows, padded with NaN: whatever reads a padded row shows it."""
        return InputBuffers(16, {"x": BufferSpec(torch.float32, (self.width,), pad=float("nan"))}, self.world.device)
