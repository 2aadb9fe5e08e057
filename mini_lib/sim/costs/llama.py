"""The forward pass of the decoder in its three styles, kernel by kernel, except the two kernels of attention.

Each function says what one method of `mini_lib.model` launches, in the same order. Bytes are those of the operands, so
only the shape of the model and the number of tokens are needed. Layers are alike: one is written down, all are counted.

Two targets. "twin" counts the ops that torch runs on a CPU. "gpu" differs in the lean style alone: there
`functional.rms_norm` is one kernel and not six ops (eight in 16 bits), and torch copies what does not lie side by side
before it and before `roll`: queries and keys, which are cut out of wider vectors, unless the step has a single token.

Ours are the counts of published decoders (Qwen3-0.6B 1614, 739 and 375 kernels a step) but for this. They write keys
and values one by one, except in the fused style, where RoPE is a kernel before that one. Their lean style turns queries
and keys one by one. Outside the layers they have 18, 11 and 11 kernels with the head, and we 13, 7 and 2 without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mini_lib.config import ModelConfig
from mini_lib.sim.costs.ops import FLOAT32, gather, gemm, op
from mini_lib.sim.kernel_cost import KernelCost

Kernels = tuple[KernelCost, ...]


class ForwardParts(NamedTuple):
    """A forward pass around attention: `start`, then per layer `before` attention and `after` it, then `end`."""

    start: Kernels
    before: Kernels
    after: Kernels
    end: Kernels


@dataclass(frozen=True)
class Rows:
    """The rows that a step computes: of which model, how many, in how many bytes a number, as whom we count."""

    config: ModelConfig
    num_tokens: int
    itemsize: int
    on_gpu: bool

    def bytes(self, width: int) -> int:
        """Return the bytes of one vector of `width` numbers per token."""
        return self.num_tokens * width * self.itemsize

    def wide(self, width: int) -> int:
        """Return the bytes of the same vectors in float32."""
        return self.num_tokens * width * FLOAT32

    def linear(self, inner: int, columns: int) -> KernelCost:
        """Return the product of all rows with one matrix of weights."""
        return gemm(self.num_tokens, inner, columns, self.itemsize)

    def cast(self, width: int) -> Kernels:
        """Return the kernel that casts such vectors to or from float32: none if they are in float32."""
        return () if self.itemsize == FLOAT32 else (op("aten._to_copy", self.bytes(width), self.wide(width)),)

    def gathered(self, width: int) -> Kernels:
        """Return the copy that torch makes on a GPU of vectors cut out of wider ones. One such vector needs none."""
        copied = self.bytes(width)
        return (op("aten.clone", copied, copied),) if self.on_gpu and self.num_tokens > 1 else ()


def naive(rows: Rows) -> ForwardParts:
    """Return what `NaiveDecoder` launches: each formula op by op."""
    config = rows.config
    hidden, head = rows.bytes(config.hidden_size), config.head_dim
    norm = _formula(rows, 1, config.hidden_size)
    qkv = tuple(rows.linear(config.hidden_size, columns) for columns in (config.q_size, config.kv_size, config.kv_size))
    head_norms = (_formula(rows, config.num_heads, head), _formula(rows, config.num_kv_heads, head))
    turns = _turn(rows, config.num_heads) + _turn(rows, config.num_kv_heads)
    gate = rows.linear(config.hidden_size, config.intermediate_size)
    add = op("aten.add", hidden, hidden, hidden)
    return ForwardParts(
        start=(*_embedding(rows), _cat(rows.bytes(head)), _cat(rows.bytes(head))),
        before=(*norm, *qkv, *(sum(head_norms, ()) if config.qk_norm else ()), *turns),
        after=(rows.linear(config.q_size, config.hidden_size), add, *norm, gate, gate, *_silu(rows), add),
        end=norm,
    )


def lean(rows: Rows) -> ForwardParts:
    """Return what `LeanDecoder` launches: merged matrices, torch's own norm, queries and keys turned together."""
    config = rows.config
    hidden, angles, half = rows.bytes(config.hidden_size), rows.bytes(config.head_dim), rows.bytes(config.head_dim // 2)
    norm, add = _torch_norm(rows, 1, config.hidden_size), op("aten.add", hidden, hidden, hidden)
    return ForwardParts(
        start=(*_embedding(rows), _cat(angles), op("aten.neg", half, half), _cat(angles)),
        before=(*norm, _qkv(rows), *_turn_together(rows)),
        after=(rows.linear(config.q_size, config.hidden_size), add, *norm, _gate_up(rows), *_silu(rows), add),
        end=norm,
    )


def fused(rows: Rows) -> ForwardParts:
    """Return what `FusedDecoder` launches: residuals are added by the norms, and RoPE is done where KV is written."""
    config = rows.config
    hidden, product = rows.bytes(config.hidden_size), rows.bytes(config.intermediate_size)
    head_norms = (
        _own_norm(rows, config.num_heads, config.head_dim),
        _own_norm(rows, config.num_kv_heads, config.head_dim),
    )
    add_norm = op("mini_lib.fused_add_rms_norm", hidden, hidden, config.hidden_size * rows.itemsize, hidden, hidden)
    return ForwardParts(
        start=(_embedding(rows)[0], _own_norm(rows, 1, config.hidden_size)),
        before=(_qkv(rows), *(head_norms if config.qk_norm else ())),
        after=(
            rows.linear(config.q_size, config.hidden_size), add_norm, _gate_up(rows),
            op("mini_lib.silu_and_mul", 2 * product, product),
            rows.linear(config.intermediate_size, config.hidden_size), add_norm,
        ),
        end=(),
    )  # fmt: skip


def _embedding(rows: Rows) -> Kernels:
    """Return the look-up of embeddings, then that of cosines and sines, which are kept in float32."""
    config = rows.config
    embedding = gather("aten.embedding", rows.num_tokens, config.hidden_size * rows.itemsize)
    return embedding, gather("aten.index", rows.num_tokens, config.head_dim * FLOAT32), *rows.cast(config.head_dim)


def _cat(num_bytes: int) -> KernelCost:
    return op("aten.cat", num_bytes, num_bytes)


def _statistics(rows: Rows, heads: int, width: int, add: str) -> Kernels:
    """Return the ops from float32 vectors to the vectors divided by their root mean square."""
    wide, one_each = rows.wide(heads * width), rows.wide(heads)
    return (
        op("aten.pow", wide, wide),
        op("aten.mean", wide, one_each),
        op(add, one_each, one_each),
        op("aten.rsqrt", one_each, one_each),
        op("aten.mul", wide, one_each, wide),
    )


def _formula(rows: Rows, heads: int, width: int) -> Kernels:
    """Return the naive style's norm of `heads` vectors per token: six kernels, and two casts in 16 bits."""
    cast, vectors = rows.cast(heads * width), rows.bytes(heads * width)
    scale = op("aten.mul", width * rows.itemsize, vectors, vectors)
    return (*cast, *_statistics(rows, heads, width, "aten.add"), *cast, scale)


def _torch_norm(rows: Rows, heads: int, width: int) -> Kernels:
    """Return `functional.rms_norm`: on a GPU one kernel, which also writes what it divided by.

    On a CPU it is taken apart.
    """
    vectors, weight = rows.bytes(heads * width), width * rows.itemsize
    if rows.on_gpu:
        return (op("aten._fused_rms_norm", vectors, weight, vectors, rows.wide(heads)),)
    cast, wide = rows.cast(heads * width), rows.wide(heads * width)
    return (*cast, *_statistics(rows, heads, width, "aten.add_"), op("aten.mul", wide, weight, wide), *cast)


def _own_norm(rows: Rows, heads: int, width: int) -> KernelCost:
    vectors = rows.bytes(heads * width)
    return op("mini_lib.rms_norm", vectors, width * rows.itemsize, vectors)


def _turn(rows: Rows, heads: int) -> Kernels:
    """Return the naive style's RoPE of one tensor of heads: `heads * cos + rotate_half(heads) * sin`."""
    turned, angles = rows.bytes(heads * rows.config.head_dim), rows.bytes(rows.config.head_dim)
    half = turned // 2
    return (
        op("aten.mul", turned, angles, turned),
        op("aten.neg", half, half),
        _cat(turned),
        op("aten.mul", turned, angles, turned),
        op("aten.add", turned, turned, turned),
    )


def _turn_together(rows: Rows) -> Kernels:
    """Return the lean style's norms of queries and keys, if it has them, and its RoPE of both at once."""
    config = rows.config
    width, angles = config.q_size + config.kv_size, rows.bytes(config.head_dim)
    both = rows.bytes(width)
    ready: Kernels = ()
    if config.qk_norm:
        for heads in (config.num_heads, config.num_kv_heads):
            ready += rows.gathered(heads * config.head_dim) + _torch_norm(rows, heads, config.head_dim)
        ready += (_cat(both),)
    copied = () if config.qk_norm else rows.gathered(width)
    turn, add = op("aten.mul", both, angles, both), op("aten.addcmul", both, both, angles, both)
    return (*ready, turn, *copied, op("aten.roll", both, both), add)


def _qkv(rows: Rows) -> KernelCost:
    return rows.linear(rows.config.hidden_size, rows.config.q_size + 2 * rows.config.kv_size)


def _gate_up(rows: Rows) -> KernelCost:
    return rows.linear(rows.config.hidden_size, 2 * rows.config.intermediate_size)


def _silu(rows: Rows) -> Kernels:
    """Return silu, the product of gate and up, and the matrix that brings it down to the hidden size."""
    product = rows.bytes(rows.config.intermediate_size)
    down = rows.linear(rows.config.intermediate_size, rows.config.hidden_size)
    return op("aten.silu", product, product), op("aten.mul", product, product, product), down
