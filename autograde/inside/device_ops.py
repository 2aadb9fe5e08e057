"""Which of torch's ops a student's process may ask the tester to run, and how much they may take.

The list is closed: arithmetic, comparisons, reductions, indexing, shapes, factories, sorting, products of matrices. All
of them check their indices on a CPU. Left out is what takes a file name, a storage or a random generator, what resizes,
and what reads sizes out of a tensor without telling the dispatcher. Ops that torch takes apart (composite ones) are
taken apart in the student's process and are not in the list.

Before anything is allocated, the result is bounded: by the sizes and numbers among the arguments where those are small,
else by running the op on tensors of the device "meta", which have shapes and no memory. Where values say how long the
result is, they are looked at. Nobody can interrupt an op, so products and splits, which take long for what they give,
have bounds of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

MOST_ELEMENTS = 1 << 22  # of one tensor
MOST_MULTIPLIED = 1 << 32  # elements of one factor times those of the other: a half-precision product is slow
MOST_DECIMALS = 400  # on "meta" torch works 10 ** decimals out, digit for digit
MOST_PARTS = 1 << 16  # that one tensor may be split into

_ARITHMETIC = (
    "abs acos acosh add addcdiv addcmul addmm asin asinh atan atan2 atanh baddbmm bitwise_and bitwise_left_shift "
    "bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm ceil clamp clamp_max clamp_min copysign cos cosh div "
    "dot eq erf erfc exp exp2 expm1 floor floor_divide fmax fmin fmod frac gcd ge gelu gt hypot isinf isnan lcm le "
    "lerp log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor lt maximum minimum mm mul mv "
    "nan_to_num ne neg pow reciprocal relu remainder round rsqrt rsub sgn sigmoid sign signbit silu sin sinh sqrt sub "
    "tan tanh threshold trunc where xlogy __lshift__ __rshift__ __ilshift__ __irshift__"
)
_REDUCTIONS = (
    "all amax amin aminmax any argmax argmin argsort count_nonzero cummax cummin cumprod cumsum kthvalue logcumsumexp "
    "logsumexp max mean median min mode nansum native_layer_norm prod sort std sum topk var linalg_vector_norm "
    "_softmax _log_softmax"
)
_INDEXING = (
    "bucketize embedding fill gather index index_add index_copy index_fill index_put index_reduce index_select isin "
    "masked_fill masked_scatter masked_select nonzero put repeat_interleave scatter scatter_add scatter_reduce "
    "searchsorted select_scatter slice_scatter diagonal_scatter take tril triu zero bincount unique_consecutive "
    "unique_dim _unique2"
)
_SHAPES = (
    "_conj _to_copy _unsafe_view alias as_strided block_diag cat clone constant_pad_nd copy detach diag_embed diagonal "
    "expand flip lift_fresh lift_fresh_copy permute repeat roll rot90 select slice split split_with_sizes squeeze "
    "stack t transpose unbind unfold unsafe_split unsafe_split_with_sizes unsqueeze view"
)
_FACTORIES = (
    "arange empty empty_like empty_permuted empty_strided eye full full_like linspace new_empty new_empty_strided "
    "new_full new_ones new_zeros ones ones_like scalar_tensor tril_indices triu_indices zeros zeros_like"
)
ANSWERS = frozenset({"_local_scalar_dense", "allclose", "equal"})  # give a number to the CPU, and not a tensor
_PRODUCTS = frozenset({"addmm", "baddbmm", "bmm", "dot", "mm", "mv"})
_SPLITS = frozenset({"split", "unbind", "unsafe_split"})
ALLOWED = ANSWERS.union(*(names.split() for names in (_ARITHMETIC, _REDUCTIONS, _INDEXING, _SHAPES, _FACTORIES)))

_WORDS = frozenset({"floor", "trunc", "none", "tanh", "sum", "prod", "mean", "amax", "amin", "left", "right"})
_TAKES = frozenset({"Tensor", "int", "float", "bool", "number", "Device", "str", "NoneType"})


class NotServed(RuntimeError):
    """A request that the tester does not carry out; the message is for the student."""


@lru_cache(maxsize=4096)
def op_of(name: str) -> OpOverload:
    """Return the op that is called so, "where.self" or "neg.default".

    Raises:
        NotServed: it is not on the list, or it takes something that cannot cross.
    """
    base, _, overload = name.partition(".")
    if _bare(base) not in ALLOWED:
        raise NotServed(f"`torch.ops.aten.{name[:60]}` does not run on the tester's device.")
    try:
        func: OpOverload = getattr(getattr(torch.ops.aten, base), overload)
    except AttributeError:
        raise NotServed(f"torch has no op `aten.{name[:60]}`.") from None
    known = torch._C._dispatch_has_kernel(func.name())  # others are of TorchScript, on plain numbers and lists
    if not known or not all(_may_cross(argument) for argument in func._schema.arguments):
        raise NotServed(f"`torch.ops.aten.{name[:60]}` takes an argument that cannot cross to the tester.")
    return func


def _bare(base: str) -> str:
    """Return the name without the underscore of what works in place: `add` for `add_`."""
    return base if base in ALLOWED else base.removesuffix("_")


def _may_cross(argument: Any) -> bool:
    kind = str(argument.type).replace("Optional", "").replace("List", "").strip("[]")
    return kind in _TAKES


def makes_memory(func: OpOverload) -> bool:
    """Tell whether the op hands out memory as it finds it, with whatever stood there before."""
    return "empty" in str(func._schema.name)


def require_small(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Raise before an op that would touch or make a tensor of more than `MOST_ELEMENTS`, or resize one.

    Raises:
        NotServed: it would, or nobody can tell.
        Exception: the op's own error, where shapes alone make it fail.
    """
    for word in leaves([args, kwargs], str):
        if word not in _WORDS:
            raise NotServed(f"{word[:40]!r} does not cross to the tester.")
    tensors = list(leaves([args, kwargs], Tensor))
    if any(tensor.numel() > MOST_ELEMENTS for tensor in tensors):
        raise _too_large(func)
    _require_quick(func, [tensor.numel() for tensor in tensors], list(leaves([args, kwargs], int)))
    if _rough_bound(args, kwargs) > MOST_ELEMENTS or "out" in kwargs:
        _measure(func, args, kwargs)


def refused_for_values(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Return why an op must not run on these values, or "": torch would end this process, or fill its memory."""
    if _divides_the_smallest(args, kwargs):
        return f"`{func}` on numbers of -2**31 and below does not run on the tester's device."
    if _length_told_by_values(func, args, kwargs) > MOST_ELEMENTS:
        return str(_too_large(func))
    return ""


def _divides_the_smallest(args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Tell a division whose quotient may not fit: the processor answers it with a signal (other roundings do not)."""
    if "trunc" not in leaves([args, kwargs], str):
        return False
    whole = [one for one in leaves([args, kwargs], Tensor) if one.numel() and not one.is_floating_point()]
    return min([*(int(one.min()) for one in whole), *leaves([args, kwargs], int)], default=0) <= -(2**31)


def _length_told_by_values(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> float:
    """Return how long the result is where the values of a tensor say so; 0 for other ops.

    torch adds up `repeats` without a look at overflow, and then writes behind the end of its result.
    """
    names = (argument.name for argument in func._schema.arguments)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if isinstance(given.get("repeats"), Tensor):
        return float(given["repeats"].double().abs().sum())
    if func._opname == "bincount" and given["self"].numel():
        return float(given["self"].double().max())
    return 0.0


def depends_on_values(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Tell whether an op that has just failed might not have failed with other values in tensors of these shapes."""
    try:
        _on_meta(func, args, kwargs)
    except NotImplementedError:
        return True
    except Exception:
        return False
    return True


def leaves(value: Any, kind: type | tuple[type, ...]) -> Iterator[Any]:
    """Yield what is of this kind in lists and dicts within one another."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, kind)
    elif isinstance(value, dict):
        yield from leaves(list(value.values()), kind)


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return `value` with every leaf of its lists and dicts changed."""
    if isinstance(value, list | tuple):
        return [changed(item, change) for item in value]
    if isinstance(value, dict):
        return {name: changed(item, change) for name, item in value.items()}
    return change(value)


def _require_quick(func: OpOverload, sizes: list[int], numbers: list[int]) -> None:
    base = _bare(func._opname)
    if base in _PRODUCTS and math.prod(sorted(sizes)[-2:]) > MOST_MULTIPLIED:
        raise NotServed(f"`{func}` would multiply too many numbers for the tester's device.")
    if base == "round" and any(abs(number) > MOST_DECIMALS for number in numbers):
        raise NotServed(f"`{func}` to so many decimals is too many for the tester's device.")
    if base in _SPLITS and max(sizes, default=0) > MOST_PARTS:
        raise NotServed(
            f"`{func}` splits a tensor of more than {MOST_PARTS} elements: too many for the tester's device."
        )


def _rough_bound(args: list[Any], kwargs: dict[str, Any]) -> float:
    """Return a number of elements that no allowed op exceeds: all sizes and all numbers multiplied."""
    numbers = (_factor(leaf) for leaf in leaves([args, kwargs], (Tensor, int, float)))
    return math.prod(numbers, start=1.0)


def _factor(leaf: Tensor | float) -> float:
    if isinstance(leaf, Tensor):
        return float(max(1, leaf.numel()))
    if isinstance(leaf, bool):
        return 1.0
    return 2.0 + (abs(leaf) if isinstance(leaf, int) or abs(leaf) > 1 else 1 / (abs(leaf) or 1e-300))


def _measure(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> None:
    out = changed(kwargs.get("out"), _without_memory)
    try:
        made = _on_meta(func, args, {**kwargs, "out": out} if "out" in kwargs else kwargs)
    except NotImplementedError:
        raise NotServed(f"`{func}` on so many elements does not run on the tester's device.") from None
    if any(tensor.numel() > MOST_ELEMENTS for tensor in leaves(made, Tensor)):
        raise _too_large(func)
    if [one.shape for one in leaves(out, Tensor)] != [one.shape for one in leaves(kwargs.get("out"), Tensor)]:
        raise NotServed(f"`{func}` would resize the tensor that is given as `out`: give one of the right shape.")


def _on_meta(func: OpOverload, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if any(argument.name == "device" for argument in func._schema.arguments):
        kwargs = {**kwargs, "device": torch.device("meta")}
    return func(*changed(args, _without_memory), **changed(kwargs, _without_memory))


def _without_memory(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor) or leaf.is_meta:
        return leaf
    return torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device="meta")


def _too_large(func: OpOverload) -> NotServed:
    return NotServed(f"`{func}` would need more than {MOST_ELEMENTS} elements: too large for the tester's device.")
