"""Ops whose replay must equal eager bit for bit, as functions of `Data`: a set of tensors of distinct values."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.graphs.op_data import Data

Op = Callable[[Data], "Tensor | tuple[Tensor, ...]"]

POINTWISE: dict[str, Op] = {
    "add": lambda t: t.x + t.y,
    "add_scalar": lambda t: t.x + 3,
    "sub_alpha": lambda t: torch.sub(t.x, t.y, alpha=2.5),
    "rsub": lambda t: 1.5 - t.x,
    "mul_broadcast": lambda t: t.x * t.g,
    "div": lambda t: t.x / t.y,
    "floor_divide_int": lambda t: t.whole // 7,
    "remainder": lambda t: torch.remainder(t.whole, 5),
    "pow": lambda t: t.x.pow(3),
    "square_root": lambda t: t.x.abs().sqrt(),
    "rsqrt": lambda t: (t.x.square() + 0.5).rsqrt(),
    "exp_log": lambda t: t.x.exp().add(1).log(),
    "sin_cos": lambda t: t.x.sin() * t.y.cos(),
    "tanh": lambda t: t.x.tanh(),
    "sigmoid": lambda t: t.x.sigmoid(),
    "relu": lambda t: t.x.relu(),
    "gelu": lambda t: F.gelu(t.x),
    "gelu_tanh": lambda t: F.gelu(t.x, approximate="tanh"),
    "silu": lambda t: F.silu(t.x),
    "softplus": lambda t: F.softplus(t.x),
    "glu": lambda t: F.glu(t.x),
    "erf": lambda t: t.x.erf(),
    "clamp": lambda t: t.x.clamp(-0.5, 0.7),
    "maximum": lambda t: torch.maximum(t.x, t.y),
    "lerp": lambda t: t.x.lerp(t.y, 0.3),
    "addcmul": lambda t: torch.addcmul(t.x, t.y, t.y, value=0.5),
    "where": lambda t: torch.where(t.mask, t.x, t.y),
    "where_scalar": lambda t: torch.where(t.mask, t.x, -1.5),
    "masked_fill": lambda t: t.x.masked_fill(t.mask, -1e9),
    "compare": lambda t: (t.x > t.y) & (t.whole != 3),
    "bits": lambda t: (t.whole & 12) ^ (t.whole << 1),
    "isnan": lambda t: (t.x.abs() - 0.4).log().isnan(),
    "copysign_sign": lambda t: torch.sign(t.x) * t.y.abs(),
    "round_floor": lambda t: t.x.round() + t.y.floor(),
    "to_double": lambda t: t.x.double() * t.y,
    "to_half": lambda t: t.x.half() + t.y.half(),
    "to_bfloat16": lambda t: t.x.to(torch.bfloat16) * t.y.to(torch.bfloat16),
    "to_int": lambda t: (t.x * 10).to(torch.int32),
    "int_to_float": lambda t: t.whole / 3,
    "complex": lambda t: torch.view_as_real(torch.view_as_complex(t.x.view(4, 3, 2)).conj() * 2j),
    "zero_dim": lambda t: t.x.mean() * 2.5 + t.whole.max(),
}

REDUCTIONS: dict[str, Op] = {
    "sum": lambda t: t.x.sum(),
    "sum_dim": lambda t: t.x.sum(dim=1, keepdim=True),
    "sum_int": lambda t: t.whole.sum(dim=0),
    "mean": lambda t: t.x.mean(dim=-1),
    "var": lambda t: t.x.var(dim=-1),
    "std": lambda t: t.x.std(),
    "norm": lambda t: t.x.norm(dim=-1),
    "prod": lambda t: t.x.prod(dim=1),
    "amax": lambda t: t.x.amax(dim=0),
    "max_dim": lambda t: tuple(t.x.max(dim=1)),
    "argmax": lambda t: t.x.argmax(dim=-1),
    "any_all": lambda t: torch.stack([t.mask.any(), t.mask.all()]),
    "logsumexp": lambda t: t.x.logsumexp(dim=-1),
    "softmax": lambda t: t.x.softmax(dim=-1),
    "log_softmax": lambda t: t.x.log_softmax(dim=0),
    "topk": lambda t: tuple(t.x.topk(3, dim=-1)),
    "sort": lambda t: tuple(t.x.sort(dim=-1, descending=True)),
    "argsort": lambda t: t.x.argsort(dim=0),
    "cumsum": lambda t: t.x.cumsum(dim=1),
    "cumsum_int": lambda t: t.whole.cumsum(dim=0),
    "cross_entropy": lambda t: F.cross_entropy(t.x, t.ids),
    "mse_loss": lambda t: F.mse_loss(t.x, t.y),
}

MATMULS: dict[str, Op] = {
    "mm": lambda t: t.x @ t.w,
    "mm_transposed": lambda t: t.x @ t.y.t(),
    "matvec": lambda t: t.x @ t.g,
    "dot": lambda t: t.g @ t.g,
    "linear": lambda t: F.linear(t.x, t.table, None),
    "linear_bias": lambda t: F.linear(t.x, t.w.t(), t.b),
    "addmm": lambda t: torch.addmm(t.b, t.x, t.w, beta=0.5, alpha=2.0),
    "bmm": lambda t: torch.bmm(t.q[0], t.k[0].transpose(1, 2)),
    "matmul_broadcast": lambda t: t.q @ t.k.transpose(-1, -2),
    "einsum": lambda t: torch.einsum("bhqd,bhkd->bhqk", t.q, t.k),
    "outer": lambda t: torch.outer(t.g, t.b),
    "attention": lambda t: F.scaled_dot_product_attention(t.q, t.k, t.v),
    "attention_causal": lambda t: F.scaled_dot_product_attention(t.q, t.k, t.v, is_causal=True),
    "attention_masked": lambda t: F.scaled_dot_product_attention(t.q, t.k, t.v, attn_mask=t.square_mask),
    "conv2d": lambda t: F.conv2d(t.image, t.kernel, padding=1),
    "conv2d_stride": lambda t: F.conv2d(t.image, t.kernel, stride=2),
}

SHAPES: dict[str, Op] = {
    "cat": lambda t: torch.cat([t.x, t.y], dim=1),
    "stack": lambda t: torch.stack([t.x, t.y, t.x]),
    "split": lambda t: tuple(part * 2 for part in t.x.split(2, dim=1)),
    "chunk_of_view": lambda t: t.x.t().chunk(3)[1] + 1,
    "unbind": lambda t: t.x.unbind(0)[2] * t.g,
    "reshape_copies": lambda t: t.x.t().reshape(8, 3),
    "permute_contiguous": lambda t: t.q.permute(0, 2, 1, 3).contiguous(),
    "expand": lambda t: t.g.expand(3, 6) * 2,
    "narrow": lambda t: t.x.narrow(1, 2, 3).exp(),
    "strided_slice": lambda t: t.x[::2, 1::2] * 3,
    "diagonal": lambda t: t.x.diagonal() + 1,
    "unfold": lambda t: t.x.unfold(1, 3, 2).sum(-1),
    "roll_flip": lambda t: t.x.roll(2, dims=1).flip(0),
    "repeat": lambda t: t.x.repeat(2, 3),
    "repeat_interleave": lambda t: t.x.repeat_interleave(3, dim=0),
    "pad": lambda t: F.pad(t.x, (1, 2), value=0.25),
    "tril_triu": lambda t: t.x.tril() + t.x.triu(1),
    "meshgrid": lambda t: torch.meshgrid(t.g, t.b, indexing="ij")[0] * 1,
    "view": lambda t: t.x.view(3, 8).view(-1)[1:].mul(2),
    "movedim": lambda t: t.image.movedim(1, -1) * 2,
    "zeros_like": lambda t: torch.zeros_like(t.x) + t.x,
    "full": lambda t: torch.full((4, 6), 2.5, device=t.x.device) * t.x,
    "arange": lambda t: torch.arange(6, device=t.x.device) * t.x,
    "eye": lambda t: torch.eye(4, device=t.x.device) @ t.x,
    "linspace": lambda t: torch.linspace(-1, 1, 6, device=t.x.device) * t.x,
    "new_tensor_methods": lambda t: t.x.new_zeros(4, 6) + t.x.new_full((6,), 1.5),
    "one_hot": lambda t: F.one_hot(t.ids, num_classes=6) * t.x,
}

INDEXING: dict[str, Op] = {
    "gather": lambda t: t.x.gather(1, t.cols),
    "take_along_dim": lambda t: t.x.take_along_dim(t.cols[:, :2], dim=1),
    "index_select": lambda t: t.table.index_select(0, t.ids),
    "index_tensor": lambda t: t.table[t.ids],
    "index_two_tensors": lambda t: t.table[t.ids, t.cols[:, 0]],
    "index_mixed": lambda t: t.table[t.ids, 1:4],
    "embedding": lambda t: F.embedding(t.ids, t.table),
    "scatter": lambda t: t.x.scatter(1, t.cols[:, :3], t.y[:, :3]),
    "scatter_add": lambda t: t.x.scatter_add(1, t.cols, t.y),
    "index_add": lambda t: t.table.index_add(0, t.ids, t.x),
    "index_copy": lambda t: t.table.index_copy(0, t.ids, t.x),
    "masked_scatter": lambda t: t.x.masked_scatter(t.mask, t.y),
    "searchsorted": lambda t: torch.searchsorted(t.g.sort().values, t.x.contiguous()),
    "bucketize": lambda t: torch.bucketize(t.x, t.b.sort().values),
}

LAYERS: dict[str, Op] = {
    "layer_norm": lambda t: F.layer_norm(t.x, (6,), t.g, t.g),
    "rms_norm": lambda t: F.rms_norm(t.x, (6,), t.g),
    "group_norm": lambda t: F.group_norm(t.x, 3, t.g, t.g),
    "batch_norm_eval": lambda t: F.batch_norm(t.x, t.cache[0], t.cache[1].abs() + 1, t.g, t.g),
    "batch_norm_train": lambda t: F.batch_norm(t.x, t.cache[2], t.cache[3], t.g, t.g, training=True),
    "max_pool2d": lambda t: F.max_pool2d(t.image, 2),
    "avg_pool2d": lambda t: F.avg_pool2d(t.image, 2),
    "interpolate": lambda t: F.interpolate(t.image, scale_factor=2.0, mode="nearest"),
    "dropout_eval": lambda t: F.dropout(t.x, 0.5, training=False) * 2,
    "swiglu": lambda t: F.silu(t.x @ t.w) * (t.y @ t.w),
    "rotary": lambda t: torch.cat([-t.q[..., 4:], t.q[..., :4]], -1) * t.k + t.q,
}


def _written(change: Callable[[Data], object]) -> Op:
    """Return an op that changes `cache` or `counts` in place and hands back a copy of both."""

    def op(t: Data) -> tuple[Tensor, ...]:
        with torch.no_grad():
            change(t)
            return t.cache.clone(), t.counts.clone()

    return op


def _through(change: Callable[[Tensor, Data], object]) -> Op:
    """Return an op that changes a fresh tensor in place, under autograd, and hands it back."""

    def op(t: Data) -> Tensor:
        fresh = t.x * 1.25
        change(fresh, t)
        return fresh

    return op


def _set(tensor: Tensor, index: object, value: object) -> None:
    tensor[index] = value  # type: ignore[index]


IN_PLACE: dict[str, Op] = {
    "add_": _written(lambda t: t.cache[:4].add_(t.x)),
    "mul_view_": _written(lambda t: t.cache[2:6, 1:3].mul_(t.x[:, :2])),
    "copy_": _written(lambda t: t.cache[3:7].copy_(t.y)),
    "copy_casts": _written(lambda t: t.counts[:6].copy_(t.g)),
    "fill_zero": _written(lambda t: (t.cache[0].fill_(2.5), t.cache[1].zero_())),
    "setitem_scalar": _written(lambda t: _set(t.cache, 3, -4.5)),
    "setitem_row": _written(lambda t: _set(t.cache, slice(1, 5), t.x)),
    "setitem_index": _written(lambda t: _set(t.cache, t.ids, t.x)),
    "setitem_mask_scalar": _written(lambda t: _set(t.cache[:4], t.mask, 7.5)),
    "masked_fill_": _written(lambda t: t.cache[:4].masked_fill_(t.mask, -2.5)),
    "index_add_": _written(lambda t: t.counts.index_add_(0, t.ids, t.whole[0, :4])),
    "index_copy_": _written(lambda t: t.cache.index_copy_(0, t.ids, t.y)),
    "scatter_": _written(lambda t: t.cache[:4].scatter_(1, t.cols, t.x)),
    "swap_by_clone": _written(lambda t: t.cache.copy_(t.cache.flip(0))),
    "transpose_in_place": _through(lambda fresh, t: fresh.t_().add_(t.y.t())),
    "chain_of_views": _through(lambda fresh, t: fresh.view(-1)[5:].view(-1, 1)[::3].mul_(1.5)),
    "iadd": _through(lambda fresh, t: fresh.__iadd__(t.y)),
    "clamp_": _through(lambda fresh, t: fresh.clamp_(-1, 1)),
    "relu_": _through(lambda fresh, t: fresh[1:3].relu_()),
    "out_add": _written(lambda t: torch.add(t.x, t.y, out=t.cache[:4])),
    "out_mm": _written(lambda t: torch.mm(t.x, t.w[:, :5], out=torch.empty(4, 5, device=t.x.device))),
    "out_aliases_input": _written(lambda t: torch.mul(t.cache, 2.5, out=t.cache)),
    "out_casts": _written(lambda t: torch.add(t.counts, 1, out=t.cache.view(-1)[:7])),
    "out_max": _written(lambda t: torch.max(t.x, 1, out=(t.cache.view(-1)[:4], t.counts[:4]))),
    "foreach_add_": _written(lambda t: torch._foreach_add_([t.cache[0], t.cache[1]], [t.g, t.g * 2])),
}

OPS: dict[str, Op] = {**POINTWISE, **REDUCTIONS, **MATMULS, **SHAPES, **INDEXING, **LAYERS, **IN_PLACE}

# torch reads a value in the backward pass of these (900 on a GPU), or takes another formula where a mode is active.
NOT_DIFFERENTIATED = {"prod"}
# On a GPU these add up in an order that is not fixed, or pick their kernel by what memory is free.
UNSTEADY_ON_CUDA = {"scatter_add", "index_add", "index_add_", "cumsum", "conv2d", "conv2d_stride", "masked_scatter"}
# The same of their backward passes.
UNSTEADY_BACKWARD_ON_CUDA = {
    "gather", "take_along_dim", "index_select", "index_tensor", "index_two_tensors", "index_mixed", "embedding",
    "attention", "attention_causal", "attention_masked", "max_pool2d", "interpolate", "sort", "topk", "unfold",
}  # fmt: skip
