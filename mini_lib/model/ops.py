"""The kernels of a decoder as ops of their own: one node in a graph, as they are one kernel in production.

Each writes where it is told (`out`, or its argument in place) as vLLM 0.33.0's kernels of the same names do, so that a
step allocates little. The bodies are plain torch, which is what a CPU runs: there the number of nodes counts, and who
owns the memory. For CUDA tensors `mini_lib.model.kernels` has a kernel in Triton for each.

>>> out = torch.empty(1, 2)
>>> silu_and_mul(out, torch.tensor([[0.0, 1.0, 5.0, 2.0]]))
>>> out
tensor([[0.0000, 1.4621]])
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mini_lib.model.custom_op import custom_op


@custom_op(mutates=("out",), kernel="norms")
def rms_norm(out: Tensor, hidden: Tensor, weight: Tensor, eps: float) -> None:
    """Write `hidden`, each last dimension divided by its root mean square and multiplied by `weight`, to `out`."""
    out.copy_(functional.rms_norm(hidden, weight.shape, weight, eps))


@custom_op(mutates=("hidden", "residual"), kernel="norms")
def fused_add_rms_norm(hidden: Tensor, residual: Tensor, weight: Tensor, eps: float) -> None:
    """Add `hidden` to `residual`, both (T, hidden_size) and in place, then put the norm of the sum into `hidden`."""
    residual.add_(hidden)
    hidden.copy_(functional.rms_norm(residual, weight.shape, weight, eps))


@custom_op(mutates=("out",), kernel="activation")
def silu_and_mul(out: Tensor, gate_up: Tensor) -> None:
    """Write silu(gate) * up to `out` (T, width), for gate and up side by side in `gate_up` (T, 2 * width)."""
    gate, up = gate_up.chunk(2, dim=-1)
    out.copy_(functional.silu(gate) * up)


def _one_id_per_row(logits: Tensor) -> Tensor:
    return logits.new_empty(logits.shape[:-1], dtype=torch.int64)


@custom_op(fake=_one_id_per_row, kernel="greedy")
def sample(logits: Tensor) -> Tensor:
    """Return the token with the largest logit of each row, int64 of shape (R,): greedy, no randomness."""
    return logits.argmax(-1)
