"""Tensors that point at memory without keeping it: what a wrapper holds of a graph's output.

A captured graph writes its output to an address in its pool. If the wrapper kept the output itself, the block behind
it would stay taken, and each further capture in the same pool would need memory of its own. A weak reference lets the
block go, so that the next, smaller graph captures into it; until then the values are there to be read. vLLM 0.33.0 does
the same in C++ (`weak_ref_tensors`) for the last piece of a model.

On the twin a weak reference is a tensor over the pool's *segment*, which lives as long as any tensor on it: reading too
late gives somebody else's values, never a crash. Memory that is from no pool cannot be pointed at safely, so such a
tensor comes back as it is. On CUDA it may be any tensor, and reading after the pool is gone reads freed memory.

>>> weak_ref((torch.ones(2), None))
(tensor([1., 1.]), None)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mini_lib.graphs.inputs import shadow_of
from mini_lib.graphs.pool import segment_at
from mini_lib.graphs.shapes import TensorSpec
from mini_lib.graphs.signatures import map_tensors

_storage_from_pointer = getattr(torch._C, "_construct_storage_from_data_pointer", None)  # private: it may go


def weak_ref(output: Any) -> Any:
    """Return `output` (a tensor, or tuples, lists and dicts of them) over the same memory, owning none of it.

    Where torch has no way to make such a tensor on a GPU, the output itself comes back: right, and larger.
    """
    return map_tensors(output, _weak_tensor)


def _weak_tensor(tensor: Tensor) -> Tensor:
    if tensor.numel() == 0:
        return tensor
    return _weak_on_cuda(tensor) if tensor.is_cuda else _weak_on_twin(tensor)


def _weak_on_twin(tensor: Tensor) -> Tensor:
    segment = segment_at(tensor.data_ptr())
    if segment is None:
        return tensor
    offset = (tensor.data_ptr() - segment.address) // tensor.element_size()
    return shadow_of(TensorSpec.of(tensor), segment.memory.untyped_storage(), offset)


def _weak_on_cuda(tensor: Tensor) -> Tensor:
    if _storage_from_pointer is None:
        return tensor
    storage = tensor.untyped_storage()
    pointed = _storage_from_pointer(storage.data_ptr(), tensor.device, storage.nbytes())
    empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return empty.set_(pointed, tensor.storage_offset(), tensor.shape, tensor.stride())
