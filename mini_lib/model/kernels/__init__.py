"""Kernels of our own for CUDA, in Triton: one module an idea, imported only when a tensor on a GPU reaches an op.

`mini_lib.model`'s ops have plain torch bodies, and a CPU always runs those. On a GPU that Triton can compile for, the
dispatcher takes the function of the same name in here: same arguments, same tensors written, in one kernel (attention
and `sample` in two). Without Triton, or on a GPU older than compute capability 8.0, the plain bodies run there too.

Everything is fit for a CUDA graph: nothing is read back, grids follow from shapes and from `max_seq_len` alone, and
lengths are looked up on the device, so that a graph replayed with other lengths does the work of those. Block sizes and
warps are fixed: an autotuner would measure, and under capture nothing runs. The first call with new shapes compiles,
for about a second each: warm up before capture.

Not modelled: kernels for prefill, where many queries of one request could share a read of its keys; quantised weights
and caches; several GPUs. A launch from Triton takes the CPU longer than one of torch's own, which only graphs hide.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

OLDEST_GPU = (8, 0)  # compute capability: older ones have no bfloat16 and no asynchronous copies, which Triton wants


def kernel_or_body(module: str, name: str, body: Callable[..., Any]) -> Callable[..., Any]:
    """Return what runs for CUDA tensors: `name` of this room's `module` where it can, else `body`."""

    def call(*args: Any) -> Any:
        if not (kernels_run_here() and _is_dense(args)):
            return body(*args)
        return _kernel(module, name)(*args)

    return call


@cache
def kernels_run_here() -> bool:
    """Tell whether Triton is installed and knows this machine's GPU."""
    found = torch.cuda.is_available() and importlib.util.find_spec("triton") is not None
    return found and torch.cuda.get_device_capability() >= OLDEST_GPU


@cache
def _kernel(module: str, name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def _is_dense(args: tuple[Any, ...]) -> bool:
    """Tell whether in each tensor the numbers of a row lie side by side, as all kernels assume."""
    return all(not isinstance(one, Tensor) or one.dim() == 0 or one.stride(-1) == 1 for one in args)
