"""Attention, the one place in the model that knows requests: it writes this step's KV and reads all earlier KV.

Everything else in a decoder treats a batch as T tokens that know nothing of each other. Attention needs to know which
token belongs to whom, and it finds that in the forward context (`AttentionMetadata`), not in its arguments. That makes
it the place at which a model is cut for piecewise graphs: it is a splitting op, writes into a tensor that it is given,
and looks the metadata up anew whenever it runs eagerly. Captured inside a full graph it is looked up once, so there
every tensor of the metadata must keep its address, and `max_seq_len` the largest value it may ever need.

Under `torch.compile` the model calls `torch.ops.mini_lib.attention` instead: one opaque node in the FX graph.
`SPLITTING_OPS` gives the Python function behind each such node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from mini_lib.dispatch.forward_context import get_forward_context
from mini_lib.dispatch.splitting_ops import splitting_op
from mini_lib.model.custom_op import custom_op
from mini_lib.model.hashing import paged_hash
from mini_lib.model.kv_cache import kv_write, rope_and_kv_write
from mini_lib.model.paged_attention import paged_attention


@dataclass(frozen=True, eq=False)
class AttentionMetadata:
    """Which token belongs to which request, and where its KV lies. All tensors are int64.

    `page_table` (max_num_seqs + 1, max_blocks): the blocks of each row of the request pool; row 0 is padding, all 0.
    `token_rows` (T,): the row of each token, 0 for padded tokens. `slot_mapping` (T,): where its KV is written, a slot
    of the null block for padded tokens. `max_seq_len`: how many positions attention looks at, a Python number: the
    batch's own longest in eager attention, `max_model_len` inside a full graph.

    The metadata may be shorter than a padded batch: attention then leaves the rows beyond it alone.

    Raises:
        ValueError: `max_seq_len` is not between 1 and what the page table holds, or the tensors differ in T.
    """

    kv_caches: Sequence[Tensor]
    page_table: Tensor
    token_rows: Tensor
    slot_mapping: Tensor
    block_size: int
    max_seq_len: int

    def __post_init__(self) -> None:
        room = self.page_table.shape[1] * self.block_size
        if not 1 <= self.max_seq_len <= room:
            raise ValueError(
                f"attention cannot look at {self.max_seq_len} positions: a row of the page table names "
                f"{self.page_table.shape[1]} blocks of {self.block_size} tokens, {room} in all."
            )
        if self.token_rows.shape != self.slot_mapping.shape:
            raise ValueError(
                f"token_rows {tuple(self.token_rows.shape)} and slot_mapping {tuple(self.slot_mapping.shape)} speak of "
                "the same tokens: give them one entry per token each."
            )


@splitting_op
def attention(q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, layer: int) -> None:
    """Write `k` and `v` to the KV cache of `layer`, then what the queries see of it to `out`.

    q and out: (T, num_heads, head_dim). k and v: (T, num_kv_heads, head_dim). positions: (T,). The token of row r at
    position p sees positions 0 to p of row r.

    Raises:
        RuntimeError: no forward context with attention metadata is set.
    """
    _attend(paged_attention, q, k, v, out, positions, layer)


@splitting_op
def rope_attention(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, cos_sin: Tensor, layer: int
) -> None:
    """Do the same for queries and keys that RoPE has not turned yet: one kernel turns them and writes the KV cache.

    `cos_sin`: cosines and sines of all positions, (max_model_len, head_dim). `q` is turned in place; `k` is spent.
    """
    _attend(paged_attention, q, k, v, out, positions, layer, cos_sin)


@splitting_op
def hash_attention(q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, layer: int) -> None:
    """Do the same for the exact model, in int64: `out` becomes a hash of all that the query sees, and of its order."""
    _attend(paged_hash, q, k, v, out, positions, layer)


def _attend(
    read: Callable[..., None],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    positions: Tensor,
    layer: int,
    cos_sin: Tensor | None = None,
) -> None:
    metadata = current_metadata()
    num_tokens = metadata.token_rows.shape[0]
    if num_tokens > q.shape[0]:
        raise ValueError(f"the metadata speaks of {num_tokens} tokens, and attention got queries of {q.shape[0]}.")
    q, k, v, positions = (one[:num_tokens] for one in (q, k, v, positions))
    kv_cache = metadata.kv_caches[layer]
    if cos_sin is None:
        kv_write(k, v, kv_cache, metadata.slot_mapping)
    else:
        rope_and_kv_write(positions, q, k, v, cos_sin, kv_cache, metadata.slot_mapping)
    places = (metadata.page_table, metadata.token_rows, positions, metadata.max_seq_len)
    read(out[:num_tokens], q, kv_cache, *places)


def current_metadata() -> AttentionMetadata:
    """Return the attention metadata of the forward pass under way."""
    context = get_forward_context()
    if context is None or context.attn_metadata is None:
        raise RuntimeError(
            "attention does not know whose tokens these are: no attention metadata is set. Call the model inside "
            "`with set_forward_context(..., attn_metadata=AttentionMetadata(...))`."
        )
    metadata: AttentionMetadata = context.attn_metadata
    return metadata


def _attention(q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, layer: int) -> None:
    attention(q, k, v, out, positions, layer)


def _rope_attention(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, cos_sin: Tensor, layer: int
) -> None:
    rope_attention(q, k, v, out, positions, cos_sin, layer)


def _hash_attention(q: Tensor, k: Tensor, v: Tensor, out: Tensor, positions: Tensor, layer: int) -> None:
    hash_attention(q, k, v, out, positions, layer)


opaque_attention = custom_op(mutates=("out",), name="attention")(_attention)
opaque_rope_attention = custom_op(mutates=("q", "out"), name="rope_attention")(_rope_attention)
opaque_hash_attention = custom_op(mutates=("out",), name="hash_attention")(_hash_attention)

SPLITTING_OPS: dict[str, Callable[..., None]] = {
    "mini_lib::attention": attention,
    "mini_lib::rope_attention": rope_attention,
    "mini_lib::hash_attention": hash_attention,
}
