"""The KV cache: keys and values of all tokens seen so far, in blocks that any request may own.

A request's token at position p lies in block `page_table[row, p // block_size]`, at place `p % block_size`: its *slot*
is `block * block_size + place`. Blocks are handed out in any order, so neighbours in a text are no neighbours here.
Block 0 is the *null block*: no request owns it. Padded tokens write there and unused entries of the page table point
there, so it may hold anything, NaN included, and nobody who matters reads it.

Not modelled: sharing blocks between requests (prefix caching), quantised caches, and the memory layouts of kernels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mini_lib.config import ModelConfig
from mini_lib.model.custom_op import custom_op

NULL_BLOCK = 0


def new_kv_caches(
    config: ModelConfig, num_blocks: int, block_size: int, device: torch.device | str, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    """Return one cache per layer: zeros of shape (2, num_blocks, block_size, num_kv_heads, head_dim), keys first.

    Raises:
        ValueError: fewer than 2 blocks (block 0 belongs to nobody), or a block that holds no token.
    """
    if num_blocks < 2 or block_size < 1:
        raise ValueError(
            f"{num_blocks} KV blocks of {block_size} tokens hold no request: block 0 is the null block, which nobody "
            "owns, so there must be at least 2 blocks, of at least 1 token."
        )
    shape = (2, num_blocks, block_size, config.num_kv_heads, config.head_dim)
    return tuple(torch.zeros(shape, device=device, dtype=dtype) for _ in range(config.num_layers))


@custom_op(mutates=("kv_cache",), kernel="kv_write")
def kv_write(key: Tensor, value: Tensor, kv_cache: Tensor, slot_mapping: Tensor) -> None:
    """Write `key` and `value` of shape (T, num_kv_heads, head_dim) to the slots of T tokens.

    Several tokens may name one slot of the null block: which of them stays there is anybody's guess.
    """
    slots = kv_cache.flatten(1, 2)
    slots[0].index_copy_(0, slot_mapping, key)
    slots[1].index_copy_(0, slot_mapping, value)


@custom_op(mutates=("query", "kv_cache"), kernel="kv_write")
def rope_and_kv_write(
    positions: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cos_sin: Tensor,
    kv_cache: Tensor,
    slot_mapping: Tensor,
) -> None:
    """Turn `query` (T, num_heads, head_dim) in place, and write `key`, turned, and `value` to the slots of T tokens.

    Each token's heads turn by its position. `cos_sin` (max_model_len, head_dim) holds per position the cosines of all
    angles, then the sines. The first half of a head turns with its second half (NeoX order, as Llama's). `key` itself
    stays as it is.
    """
    cos_sin_rows = cos_sin[positions]
    query.copy_(_turned(query, cos_sin_rows))
    kv_write(_turned(key, cos_sin_rows), value, kv_cache, slot_mapping)


def _turned(heads: Tensor, cos_sin_rows: Tensor) -> Tensor:
    """Return `heads`, (T, heads, head_dim), each turned by its token's angles, (T, head_dim) in float32."""
    cos, sin = cos_sin_rows.unsqueeze(1).chunk(2, dim=-1)
    left, right = heads.float().chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1).to(heads.dtype)


def slots_seen(page_table: Tensor, token_rows: Tensor, places: Tensor, block_size: int) -> Tensor:
    """Return the slots, shape (T, S), in which the request of each token keeps its positions `places`, shape (S,).

    A place beyond the page table is answered with the slot of its last one: whoever asks must mask it.
    """
    places = places.clamp(max=page_table.shape[1] * block_size - 1)
    blocks = page_table[token_rows][:, places // block_size]
    return blocks * block_size + places % block_size
