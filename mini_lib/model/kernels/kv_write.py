"""Into the KV cache: keys and values as they are, or keys turned by RoPE on their way, and the queries with them.

One program per token and head. A program with a query head turns it in place; one with a KV head writes the turned key
and the value to the token's slot. So RoPE costs no trip of the keys to memory and back. vLLM's fusion passes join the
same two.

Padded tokens write to a slot of the null block, several at once: what stays there is nobody's.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _copy(target, source, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    columns = tl.arange(0, BLOCK)
    tl.store(target + columns, tl.load(source + columns, mask=columns < WIDTH), mask=columns < WIDTH)


@triton.jit
def _turn(target, source, angles, HALF: tl.constexpr, BLOCK: tl.constexpr):
    """Turn number i of a head with number i + HALF, by the cosine and sine at i and i + HALF of `angles`."""
    columns = tl.arange(0, BLOCK)
    inside = columns < HALF
    cos = tl.load(angles + columns, mask=inside, other=0.0)
    sin = tl.load(angles + HALF + columns, mask=inside, other=0.0)
    left = tl.load(source + columns, mask=inside, other=0.0).to(tl.float32)
    right = tl.load(source + HALF + columns, mask=inside, other=0.0).to(tl.float32)
    dtype = target.dtype.element_ty
    tl.store(target + columns, (left * cos - right * sin).to(dtype), mask=inside)
    tl.store(target + HALF + columns, (right * cos + left * sin).to(dtype), mask=inside)


@triton.jit
def _kv_write(
    key, value, kv_cache, slot_mapping, key_strides, value_strides, cache_strides, WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    slot = tl.load(slot_mapping + token)
    target = kv_cache + slot * cache_strides[1] + head * cache_strides[2]
    _copy(target, key + token * key_strides[0] + head * key_strides[1], WIDTH, BLOCK)
    _copy(target + cache_strides[0], value + token * value_strides[0] + head * value_strides[1], WIDTH, BLOCK)


@triton.jit
def _rope_and_kv_write(
    positions, query, key, value, cos_sin, kv_cache, slot_mapping, query_strides, key_strides, value_strides,
    cache_strides, NUM_HEADS: tl.constexpr, HALF: tl.constexpr, HALF_BLOCK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    angles = cos_sin + tl.load(positions + token) * (2 * HALF)
    if head < NUM_HEADS:
        turned = query + token * query_strides[0] + head * query_strides[1]
        _turn(turned, turned, angles, HALF, HALF_BLOCK)
    else:
        head -= NUM_HEADS
        target = kv_cache + tl.load(slot_mapping + token) * cache_strides[1] + head * cache_strides[2]
        _turn(target, key + token * key_strides[0] + head * key_strides[1], angles, HALF, HALF_BLOCK)
        source = value + token * value_strides[0] + head * value_strides[1]
        _copy(target + cache_strides[0], source, 2 * HALF, BLOCK)


def kv_write(key: Tensor, value: Tensor, kv_cache: Tensor, slot_mapping: Tensor) -> None:
    """Write `key` and `value` of shape (T, num_kv_heads, head_dim) to the slots of T tokens."""
    width = key.shape[-1]
    _kv_write[key.shape[:2]](
        *(key, value, kv_cache, slot_mapping, key.stride()[:2], value.stride()[:2], _cache_strides(kv_cache)),
        WIDTH=width, BLOCK=triton.next_power_of_2(width), num_warps=1,
    )  # fmt: skip


def rope_and_kv_write(
    positions: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cos_sin: Tensor,
    kv_cache: Tensor,
    slot_mapping: Tensor,
) -> None:
    """Turn `query` in place, and write `key`, turned, and `value` to the slots of T tokens."""
    num_tokens, num_heads, width = query.shape
    strides = (query.stride()[:2], key.stride()[:2], value.stride()[:2], _cache_strides(kv_cache))
    _rope_and_kv_write[(num_tokens, num_heads + key.shape[1])](
        *(positions, query, key, value, cos_sin, kv_cache, slot_mapping, *strides),
        NUM_HEADS=num_heads, HALF=width // 2, HALF_BLOCK=triton.next_power_of_2(width // 2),
        BLOCK=triton.next_power_of_2(width), num_warps=1,
    )  # fmt: skip


def _cache_strides(kv_cache: Tensor) -> tuple[int, int, int]:
    """Return the steps from keys to values, from slot to slot and from head to head."""
    half, _, slot, head, _ = kv_cache.stride()
    return half, slot, head
