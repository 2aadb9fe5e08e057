"""Attention of single queries over a paged KV cache, in two kernels, so that one long request can fill a whole GPU.

The first kernel gives each program a token, a KV head and a stretch of `SPAN` positions. It fetches keys and values in
tiles of 64 through the page table, each once for all query heads that share them, and keeps a running maximum, sum of
weights and weighted sum of values (the online softmax of FlashAttention, Dao et al. 2022). The second puts the
stretches of a token together (flash-decoding, Dao et al. 2023).

A program whose stretch begins behind its token's position does nothing. So a full graph, whose grid is made for
`max_model_len`, costs what the lengths of the moment need, beside programs that end at once. `SPAN` follows from the
number of tokens alone, and a stretch is summed in the same order whoever looks further: `max_seq_len` changes no bit.

Scores and sums are float32. Weights of 16-bit values go into the product as two halves, whole and remainder, so that
nothing but the result is rounded to 16 bits.

Not modelled: tiles of queries. In a prefill each token reads the keys of its request by itself.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 64  # positions fetched at a time
QUERIES = 16  # rows of a matrix product on tensor cores at least: heads of a group are padded to that
STRETCHES = 16  # put together at a time
FEW, SOME = 64, 2048  # programs without splitting, up to which positions are split finely, and coarsely
FINE, COARSE, WHOLE = TILE, 8 * TILE, 1 << 30  # the stretches then; 64 programs of 16 stretches fill 132 processors


@triton.jit
def _weigh(sums, weights, values):
    """Return `sums` and the product of float32 `weights` (queries, positions) with `values`, as good as in float32."""
    rounded = weights.to(values.dtype)
    sums = tl.dot(rounded, values, sums, input_precision="ieee")
    if values.dtype != tl.float32:
        remainder = (weights - rounded.to(tl.float32)).to(values.dtype)
        sums = tl.dot(remainder, values, sums)
    return sums


@triton.jit
def _look(queries, key, value, seen, scale, maximum, total, weighted):
    """Return maximum, sum of weights and weighted sum of values after one more tile, of which `seen` may be seen."""
    scores = tl.dot(queries, tl.trans(key), input_precision="ieee") * scale
    scores = tl.where(seen[None, :], scores, float("-inf"))
    larger = tl.maximum(maximum, tl.max(scores, axis=1))
    weights, rescale = tl.exp(scores - larger[:, None]), tl.exp(maximum - larger)
    total = total * rescale + tl.sum(weights, axis=1)
    return larger, total, _weigh(weighted * rescale[:, None], weights, value)


@triton.jit(do_not_specialize=["max_seq_len", "num_spans"])
def _look_at_a_span(
    sums, maxima, totals, query, kv_cache, page_table, token_rows, positions, max_seq_len, num_spans, scale,
    query_strides, cache_strides, table_stride, BLOCK_SIZE: tl.constexpr, GROUP: tl.constexpr, WIDTH: tl.constexpr,
    QUERIES: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr, SPAN: tl.constexpr,
):  # fmt: skip
    token, kv_head, span = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.program_id(2)
    end = tl.minimum(tl.load(positions + token) + 1, max_seq_len).to(tl.int32)
    if span * SPAN >= end:
        return
    heads, columns, tile = tl.arange(0, QUERIES), tl.arange(0, BLOCK), tl.arange(0, TILE)
    whole = columns < WIDTH
    asked = (heads < GROUP)[:, None] & whole[None, :]
    query += token * query_strides[0] + kv_head * GROUP * query_strides[1]
    queries = tl.load(query + heads[:, None] * query_strides[1] + columns[None, :], mask=asked, other=0.0)
    blocks = page_table + tl.load(token_rows + token) * table_stride
    keys = kv_cache + kv_head * cache_strides[2] + columns[None, :]
    maximum = tl.full([QUERIES], float("-inf"), tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    weighted = tl.zeros([QUERIES, BLOCK], tl.float32)
    for start in range(span * SPAN, tl.minimum(end, (span + 1) * SPAN), TILE):
        places = start + tile
        seen = places < end
        block = tl.load(blocks + places // BLOCK_SIZE, mask=seen, other=0)
        slots = (block * BLOCK_SIZE + places % BLOCK_SIZE)[:, None] * cache_strides[1]
        read = seen[:, None] & whole[None, :]
        key = tl.load(keys + slots, mask=read, other=0.0)
        value = tl.load(keys + cache_strides[0] + slots, mask=read, other=0.0)
        maximum, total, weighted = _look(queries, key, value, seen, scale, maximum, total, weighted)
    place = ((token * tl.num_programs(1) + kv_head) * GROUP + heads) * num_spans + span
    tl.store(maxima + place, maximum, mask=heads < GROUP)
    tl.store(totals + place, total, mask=heads < GROUP)
    tl.store(sums + place[:, None] * WIDTH + columns[None, :], weighted, mask=asked)


@triton.jit(do_not_specialize=["max_seq_len", "num_spans"])
def _put_together(
    out, sums, maxima, totals, positions, max_seq_len, num_spans, out_strides, WIDTH: tl.constexpr,
    BLOCK: tl.constexpr, STRETCHES: tl.constexpr, SPAN: tl.constexpr,
):  # fmt: skip
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    end = tl.minimum(tl.load(positions + token) + 1, max_seq_len).to(tl.int32)
    first = (token * tl.num_programs(1) + head) * num_spans
    columns = tl.arange(0, BLOCK)
    whole = columns < WIDTH
    maximum = tl.full([1], float("-inf"), tl.float32)
    total = tl.zeros([1], tl.float32)
    weighted = tl.zeros([BLOCK], tl.float32)
    num_filled = tl.cdiv(end, SPAN)
    for start in range(0, num_filled, STRETCHES):
        spans = start + tl.arange(0, STRETCHES)
        filled = spans < num_filled
        heights = tl.load(maxima + first + spans, mask=filled, other=float("-inf"))
        larger = tl.maximum(maximum, tl.max(heights, axis=0))
        shares, rescale = tl.exp(heights - larger), tl.exp(maximum - larger)
        total = total * rescale + tl.sum(shares * tl.load(totals + first + spans, mask=filled, other=0.0), axis=0)
        read = filled[:, None] & whole[None, :]
        parts = tl.load(sums + (first + spans)[:, None] * WIDTH + columns[None, :], mask=read, other=0.0)
        weighted = weighted * rescale + tl.sum(shares[:, None] * parts, axis=0)
        maximum = larger
    target = out + token * out_strides[0] + head * out_strides[1]
    tl.store(target + columns, (weighted / total).to(out.dtype.element_ty), mask=whole)


def paged_attention(
    out: Tensor,
    query: Tensor,
    kv_cache: Tensor,
    page_table: Tensor,
    token_rows: Tensor,
    positions: Tensor,
    max_seq_len: int,
) -> None:
    """Write to `out` what each query sees of its own request, up to and including its own position.

    out, query: (T, num_heads, head_dim). Looks no further than `max_seq_len`.
    """
    num_tokens, num_heads, width = query.shape
    _, _, block_size, num_kv_heads, _ = kv_cache.shape
    span = span_of(num_tokens * num_kv_heads)
    num_spans = triton.cdiv(max_seq_len, span)
    sums = torch.empty((num_tokens, num_heads, num_spans, width), dtype=torch.float32, device=query.device)
    maxima, totals = torch.empty((2, num_tokens, num_heads, num_spans), dtype=torch.float32, device=query.device)
    half, _, slot, head, _ = kv_cache.stride()
    block = max(16, triton.next_power_of_2(width))
    _look_at_a_span[(num_tokens, num_kv_heads, num_spans)](
        *(sums, maxima, totals, query, kv_cache, page_table, token_rows, positions, max_seq_len, num_spans),
        *(width**-0.5, query.stride()[:2], (half, slot, head), page_table.stride(0)),
        BLOCK_SIZE=block_size, GROUP=num_heads // num_kv_heads, WIDTH=width,
        QUERIES=max(QUERIES, triton.next_power_of_2(num_heads // num_kv_heads)), BLOCK=block, TILE=TILE, SPAN=span,
        num_warps=4, num_stages=2 if query.element_size() == 2 else 1,  # float32 tiles: twice the shared memory
    )  # fmt: skip
    _put_together[(num_tokens, num_heads)](
        *(out, sums, maxima, totals, positions, max_seq_len, num_spans, out.stride()[:2]),
        WIDTH=width, BLOCK=block, STRETCHES=STRETCHES, SPAN=span, num_warps=4,
    )  # fmt: skip


def span_of(num_programs: int) -> int:
    """Return how many positions one program looks at, where `num_programs` have a token and a KV head each."""
    return FINE if num_programs <= FEW else COARSE if num_programs <= SOME else WHOLE
