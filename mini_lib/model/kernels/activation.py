"""SiLU of one half of a vector times the other half: read both, write one, and nothing between.

The product is rounded where the plain op rounds: once after SiLU and once at the end.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024  # numbers per program: 8 for each of 128 threads, 16 bytes at once


@triton.jit
def _silu_and_mul(out, gate_up, out_stride, gate_up_stride, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < WIDTH
    source = gate_up + token * gate_up_stride + columns
    gate = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(source + WIDTH, mask=inside, other=0.0).to(tl.float32)
    silu = (gate / (1.0 + tl.exp(-gate))).to(gate_up.dtype.element_ty)
    tl.store(out + token * out_stride + columns, (silu.to(tl.float32) * up).to(out.dtype.element_ty), mask=inside)


def silu_and_mul(out: Tensor, gate_up: Tensor) -> None:
    """Write silu(gate) * up to `out` (T, width), for gate and up side by side in `gate_up` (T, 2 * width)."""
    num_tokens, width = out.shape
    grid = (num_tokens, triton.cdiv(width, BLOCK))
    _silu_and_mul[grid](out, gate_up, out.stride(0), gate_up.stride(0), WIDTH=width, BLOCK=BLOCK, num_warps=4)
