"""A hash in 64-bit integers, and "attention" made of it: the heart of the exact model.

Integers wrap around at 2**64 in the same way on every CPU and GPU, and their sum does not depend on its order. So
tokens can be compared for equality where floating point allows only "close". The order of the *text* still counts:
each KV entry is hashed together with its position before they are added up.

>>> mix(torch.tensor([1, 2])).tolist()
[6350654354804651301, 2606959014078780554]
"""

from __future__ import annotations

import torch
from torch import Tensor

from mini_lib.model.custom_op import custom_op
from mini_lib.model.kv_cache import slots_seen

GOLDEN = -7046029254386353131  # 2**64 / the golden ratio, odd (Steele et al. 2014, SplitMix64), as a signed number
_FIRST, _SECOND = -4658895280553007687, -7723592293110705685  # the multipliers of SplitMix64's finaliser


@custom_op(fake=torch.empty_like)
def mix(value: Tensor) -> Tensor:
    """Return a hash of each int64: any change of the argument changes about half of the bits.

    The shifts carry the sign along, so that two arguments may share a hash; one changed bit never goes unnoticed for
    that, and a shift that does not carry it would cost one more kernel.
    """
    value = (value ^ (value >> 30)) * _FIRST
    value = (value ^ (value >> 27)) * _SECOND
    return value ^ (value >> 31)


@custom_op(mutates=("out",))
def paged_hash(
    out: Tensor,
    query: Tensor,
    kv_cache: Tensor,
    page_table: Tensor,
    token_rows: Tensor,
    positions: Tensor,
    max_seq_len: int,
) -> None:
    """Write to `out` the sum of the hashes of (query, key, value, place) over all places that each query may see.

    out, query: (T, num_heads, head_dim) with as many heads as the cache has; all int64. A key that is missing, doubled,
    out of place or another request's gives another sum.
    """
    places = torch.arange(max_seq_len, device=query.device)
    slots = slots_seen(page_table, token_rows, places, kv_cache.shape[2])
    keys, values = (half[slots] for half in kv_cache.flatten(1, 2))
    entries = mix(mix(keys + query.unsqueeze(1) + (places * GOLDEN)[:, None, None]) + values)
    seen = (places <= positions.unsqueeze(1))[:, :, None, None]
    out.copy_(entries.masked_fill(~seen, 0).sum(1))
