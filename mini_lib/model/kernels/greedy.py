"""The place of the largest logit of each row, in two kernels: a row of 150,000 is too long for one processor.

The first gives each program 4,096 logits, of which it keeps the largest and its place; the second looks through what
was kept. Of equal logits the first wins, and a NaN wins over all, as in `torch.argmax`.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 4096


@triton.jit
def _first_largest(values, places):
    """Return the largest of `values` and the smallest of `places` at which it stands."""
    largest = tl.max(values, axis=0)
    return largest, tl.min(tl.where(values == largest, places, 1 << 62), axis=0)


@triton.jit
def _largest_of_each_block(largest, place, logits, row_stride, num_blocks, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    columns = block * BLOCK + tl.arange(0, BLOCK)
    source = logits + row * row_stride + columns
    values = tl.load(source, mask=columns < WIDTH, other=float("-inf")).to(tl.float32)
    values = tl.where(values != values, float("inf"), values)
    best, where = _first_largest(values, columns.to(tl.int64))
    tl.store(largest + row * num_blocks + block, best)
    tl.store(place + row * num_blocks + block, where)


@triton.jit
def _largest_of_all(token, largest, place, num_blocks, BLOCK: tl.constexpr):
    row, blocks = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    inside = blocks < num_blocks
    values = tl.load(largest + row * num_blocks + blocks, mask=inside, other=float("-inf"))
    places = tl.load(place + row * num_blocks + blocks, mask=inside, other=1 << 62)
    tl.store(token + row, _first_largest(values, places)[1])


def sample(logits: Tensor) -> Tensor:
    """Return the token with the largest logit of each row, int64 of shape (R,)."""
    num_rows, width = logits.shape
    num_blocks = triton.cdiv(width, BLOCK)
    largest = torch.empty((num_rows, num_blocks), dtype=torch.float32, device=logits.device)
    place, token = torch.empty_like(largest, dtype=torch.int64), logits.new_empty(num_rows, dtype=torch.int64)
    _largest_of_each_block[(num_rows, num_blocks)](
        largest, place, logits, logits.stride(0), num_blocks, WIDTH=width, BLOCK=BLOCK, num_warps=8
    )
    _largest_of_all[(num_rows,)](
        token, largest, place, num_blocks, BLOCK=triton.next_power_of_2(num_blocks), num_warps=1
    )
    return token
