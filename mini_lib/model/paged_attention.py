"""Causal attention over a paged KV cache, in torch ops whose shapes depend on the batch's width alone.

Every token is its own query and looks its request's keys up through the page table: prefill, a chunk of a prefill and
decode are the same case, and one batch may mix them. Keys are read `CHUNK` positions at a time, with a running maximum
and sum (the online softmax of FlashAttention, Dao et al. 2022). That bounds the memory; and since a chunk in which
nothing is visible adds exact zeros, looking further than needed changes no bit: a full graph that always looks to
`max_model_len` gives what eager attention gives that looks no further than the batch.

For CUDA tensors there is a kernel in Triton (`mini_lib.model.kernels.decode_attention`).

Not modelled here: speed. Keys of a request are read once per token and not once per tile, and as many torch kernels run
as the loop has steps; in a node count it is one kernel, as in production.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mini_lib.model.custom_op import custom_op
from mini_lib.model.kv_cache import slots_seen

CHUNK = 128  # positions read at a time: the same at every max_seq_len, so that the sums are taken in the same order


@custom_op(mutates=("out",), kernel="decode_attention")
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

    out, query: (T, num_heads, head_dim). Computed in float32 whatever the cache holds. Positions from `max_seq_len` on
    are not looked at (rounded up to whole chunks). Nothing that a query may not see reaches its result, not even NaN.
    """
    num_tokens, num_heads, head_dim = query.shape
    num_kv_heads = kv_cache.shape[3]
    queries = query.view(num_tokens, num_kv_heads, -1, head_dim).float() * head_dim**-0.5
    state = _nothing_seen(queries)
    for start in range(0, max_seq_len, CHUNK):
        places = torch.arange(start, start + CHUNK, device=query.device)
        slots = slots_seen(page_table, token_rows, places, kv_cache.shape[2])
        seen = (places <= positions.unsqueeze(1))[:, :, None, None]
        keys, values = (half[slots].float().masked_fill(~seen, 0) for half in kv_cache.flatten(1, 2))
        state = _look(queries, keys, values, seen, *state)
    _, total, weighted = state
    out.copy_((weighted / total).view(num_tokens, num_heads, head_dim))


def _nothing_seen(queries: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the running maximum, sum of weights and weighted sum of values before the first key."""
    one_each = queries[..., :1]
    return (
        torch.full_like(one_each, torch.finfo(torch.float32).min),
        torch.zeros_like(one_each),
        torch.zeros_like(queries),
    )


def _look(
    queries: Tensor, keys: Tensor, values: Tensor, seen: Tensor, maximum: Tensor, total: Tensor, weighted: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return maximum, total and weighted sum after one more chunk of keys and values, (T, CHUNK, kv heads, head_dim).

    A sum so far was scaled by the maximum so far; where a larger score turns up, it is scaled anew.
    """
    scores = queries @ keys.permute(0, 2, 3, 1)
    scores = scores.masked_fill(~seen.permute(0, 2, 3, 1), float("-inf"))
    larger = torch.maximum(maximum, scores.amax(-1, keepdim=True))
    weights, rescale = torch.exp(scores - larger), torch.exp(maximum - larger)
    return (
        larger,
        total * rescale + weights.sum(-1, keepdim=True),
        weighted * rescale + weights @ values.permute(0, 2, 1, 3),
    )
