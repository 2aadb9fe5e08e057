"""What a capture does with an op: record it, run it now, take it apart, or refuse it.

The order of the questions matters. `inference_mode` hands composite ops on whole (`linear`, `reshape`), whose schemas
claim aliasing that they do not always have: they are taken apart, but only if the device has no kernel of its own for
them (`silu_backward` has one, and taking it apart would change the numbers). `aten.index` carries torch's tag for
data-dependent shapes even with integer indices, so only a mask counts.

Not modelled: higher-order ops (`torch.cond`, flex attention), sparse and quantized tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload


class Treatment(Enum):
    """What becomes of an op during capture."""

    RECORD = "record"  # a kernel launch: write it down, run nothing
    ALLOCATE = "allocate"  # memory without a kernel
    RUN_NOW = "run now"  # the CPU does it alone: views, questions about shapes
    TAKE_APART = "take apart"  # a composite: look at what it is made of
    READ_BACK = "read back"  # refused: the CPU would wait for a value
    DYNAMIC_SHAPE = "dynamic shape"  # refused: the size of the result depends on values
    HOST_COPY = "host copy"  # refused: a copy from ordinary CPU memory


_READS_BACK = {"_local_scalar_dense", "item", "equal", "allclose", "_linalg_check_errors"}
_DYNAMIC = {
    "nonzero",
    "nonzero_numpy",
    "argwhere",
    "masked_select",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "unique_dim_consecutive",
    "bincount",
}
_ALLOCATES = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "empty_permuted"}
_ASKS = {"is_pinned", "_fused_sdp_choice", "is_same_size", "_has_same_storage_numel", "is_set_to"}
_VIEWS_IN_DISGUISE = {"_unsafe_view", "lift", "_reshape_alias"}
_TAKES_MASKS = {"index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put"}
_COPIES_NUMBERS = {"copy_", "where", "index_put", "index_put_", "_index_put_impl_"}
_FOR_ANY_DEVICE = ("CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional")


def treatment_of(
    func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], is_number: Callable[[Any], bool]
) -> Treatment:
    """Return what the capture does with this call. `is_number` knows tensors that are one number of the program."""
    name = op_name(func)
    if func.namespace == "aten" and name in _TAKES_MASKS and _has_mask(args[1]):
        return Treatment.RECORD if _is_masked_fill(name, args, is_number) else Treatment.DYNAMIC_SHAPE
    if func.namespace == "aten" and name in _COPIES_NUMBERS and any(is_number(arg) for arg in args):
        return Treatment.HOST_COPY
    if name == "lift_fresh":
        return Treatment.RUN_NOW if args[0].dim() == 0 else Treatment.HOST_COPY
    if name == "repeat_interleave" and func._overloadname == "Tensor":
        return Treatment.DYNAMIC_SHAPE if kwargs.get("output_size") is None else Treatment.RECORD
    if _all_on_meta(args, kwargs):
        return Treatment.RUN_NOW
    return _by_schema(func, "CUDA" if any(isinstance(arg, Tensor) and arg.is_cuda for arg in args) else "CPU")


def op_name(func: OpOverload) -> str:
    """Return the op's name without namespace and overload: `mm` for `aten.mm.default`."""
    return str(func._schema.name.split("::")[-1])


def is_random(func: OpOverload) -> bool:
    """Tell whether the op draws from a random number generator."""
    return torch.Tag.nondeterministic_seeded in func.tags


@lru_cache(maxsize=4096)
def _by_schema(func: OpOverload, device: str) -> Treatment:
    """Answer from the op alone, for all arguments on `device`, a dispatch key."""
    name = op_name(func)
    if func.namespace in ("prim", "profiler") or name in _ASKS:
        return Treatment.RUN_NOW
    if func.namespace == "aten" and name in _READS_BACK:
        return Treatment.READ_BACK
    if func.namespace == "aten" and name in _DYNAMIC:
        return Treatment.DYNAMIC_SHAPE
    if _is_composite(func, device):
        return Treatment.TAKE_APART
    if func.is_view or name in _VIEWS_IN_DISGUISE or torch.Tag.inplace_view in func.tags:
        return Treatment.RUN_NOW
    return Treatment.ALLOCATE if func.namespace == "aten" and name in _ALLOCATES else Treatment.RECORD


def _is_composite(func: OpOverload, device: str) -> bool:
    """Tell whether the op has no kernel of its own on `device`: `_fused_rms_norm` has one on CUDA and none on a CPU."""
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    composite = has_kernel(func.name(), "CompositeImplicitAutograd")
    return composite and not any(has_kernel(func.name(), key) for key in (device, *_FOR_ANY_DEVICE))


def _has_mask(indices: Any) -> bool:
    return any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in indices)


def _is_masked_fill(name: str, args: tuple[Any, ...], is_number: Callable[[Any], bool]) -> bool:
    """Tell whether CUDA turns this call into `masked_fill_`, which needs no sizes: `x[mask] = 5.0`, one mask only."""
    one_mask = [index.dtype for index in args[1] if index is not None] in ([torch.bool], [torch.uint8])
    return name.startswith("index_put") and one_mask and is_number(args[2])


def _all_on_meta(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether the call is about shapes only, on the student's own meta tensors."""
    if "device" in kwargs and kwargs["device"] is not None:
        return torch.device(kwargs["device"]).type == "meta"
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return bool(tensors) and all(tensor.is_meta for tensor in tensors)
