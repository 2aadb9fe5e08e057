"""RMSNorm, alone and with the addition of a residual before it: one program per vector, which it reads once.

The vector stays in registers between its sum of squares and its scaling. Sums are taken in float32 and the result is
rounded once, as torch does. With a residual the sum is rounded before it is squared: what is normalised is what later
layers will find. The op with the addition is vLLM's idea (`fused_add_rms_norm`).

Not modelled: several programs for one wide vector; with one token in the batch one processor of the GPU works.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _normalised(vector, weight, eps, columns, inside, WIDTH: tl.constexpr):
    factors = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    mean_square = tl.sum(vector * vector, axis=0) / WIDTH
    return vector * tl.rsqrt(mean_square + eps) * factors


@triton.jit
def _rms_norm(out, hidden, weight, eps, out_strides, hidden_strides, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < WIDTH
    source = hidden + token * hidden_strides[0] + head * hidden_strides[1]
    target = out + token * out_strides[0] + head * out_strides[1]
    vector = tl.load(source + columns, mask=inside, other=0.0).to(tl.float32)
    normalised = _normalised(vector, weight, eps, columns, inside, WIDTH)
    tl.store(target + columns, normalised.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _fused_add_rms_norm(
    hidden, residual, weight, eps, hidden_stride, residual_stride, WIDTH: tl.constexpr, BLOCK: tl.constexpr
):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < WIDTH
    source, target = hidden + token * hidden_stride, residual + token * residual_stride
    added = tl.load(source + columns, mask=inside, other=0.0).to(tl.float32)
    added += tl.load(target + columns, mask=inside, other=0.0).to(tl.float32)
    total = added.to(residual.dtype.element_ty)
    tl.store(target + columns, total, mask=inside)
    normalised = _normalised(total.to(tl.float32), weight, eps, columns, inside, WIDTH)
    tl.store(source + columns, normalised.to(hidden.dtype.element_ty), mask=inside)


def rms_norm(out: Tensor, hidden: Tensor, weight: Tensor, eps: float) -> None:
    """Write the norm of each vector of `hidden`, (T, width) or (T, heads, width), to `out`."""
    source, target = _with_heads(hidden), _with_heads(out)
    num_tokens, num_heads, width = source.shape
    _rms_norm[(num_tokens, num_heads)](
        target, source, weight, eps, target.stride()[:2], source.stride()[:2], WIDTH=width, **_size(width)
    )


def fused_add_rms_norm(hidden: Tensor, residual: Tensor, weight: Tensor, eps: float) -> None:
    """Add `hidden` to `residual`, both (T, width) and in place, then put the norm of the sum into `hidden`."""
    num_tokens, width = hidden.shape
    _fused_add_rms_norm[(num_tokens,)](
        hidden, residual, weight, eps, hidden.stride(0), residual.stride(0), WIDTH=width, **_size(width)
    )


def _with_heads(vectors: Tensor) -> Tensor:
    return vectors if vectors.dim() == 3 else vectors.unsqueeze(1)


def _size(width: int) -> dict[str, int]:
    """Return the block that holds a vector, and warps enough that a thread loads 8 numbers of it: 16 bytes at once."""
    block = triton.next_power_of_2(width)
    return {"BLOCK": block, "num_warps": min(16, max(1, block // 256))}
