"""The memory that a graph reads but does not own: weights, caches, static inputs.

CUDA keeps the address and nothing else. If the tensor dies, the address may be given to somebody else, and the replay
reads whatever lies there. The twin holds on to the old memory (no crash, only old values), and can tell when nobody
else holds it any more: this is the moment at which a program has the bug on a GPU.

Not modelled: the garbage itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mini_lib.graphs.shapes import TensorSpec


class DeadInput(NamedTuple):
    """An input that only the graph still knows: on a GPU its memory may belong to somebody else by now."""

    data_ptr: int
    size: tuple[int, ...]
    dtype: torch.dtype
    read_by: str  # the first op that used it


class ExternalInputs:
    """Shadows of the tensors that a graph uses and that do not live in its pool."""

    def __init__(self) -> None:
        self._shadows: dict[int, list[Tensor]] = {}  # by storage
        self._first_use: dict[int, DeadInput] = {}
        self._numbers: dict[int, Tensor] = {}  # kept, so that they neither die nor lend their place

    def shadow(self, tensor: Tensor, read_by: str) -> Tensor:
        """Return a tensor over the same memory, kept as long as the graph."""
        storage = tensor.untyped_storage()
        shadow = shadow_of(TensorSpec.of(tensor), storage, int(tensor.storage_offset()))
        if storage.nbytes():
            self._shadows.setdefault(storage._cdata, []).append(shadow)
            first = DeadInput(tensor.data_ptr(), tuple(tensor.shape), tensor.dtype, read_by)
            self._first_use.setdefault(storage._cdata, first)
        return shadow

    def note_number(self, tensor: Tensor) -> None:
        """Note that `tensor` holds one plain number of the program: it stays on the CPU, or is baked into a launch."""
        self._numbers[tensor.untyped_storage()._cdata] = tensor

    def is_number(self, tensor: Any) -> bool:
        """Tell whether `tensor` was noted as one plain number of the program."""
        return isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata in self._numbers

    def dead(self) -> list[DeadInput]:
        """Return the inputs that nobody but the graph holds any more."""
        return [self._first_use[cdata] for cdata in self._shadows if self._only_ours(cdata)]

    def _only_ours(self, cdata: int) -> bool:
        shadows = self._shadows[cdata]
        storage = shadows[0].untyped_storage()  # this Python object counts as one user, whoever made it
        return bool(torch._C._storage_Use_Count(storage._cdata) <= len(shadows) + 1)


def shadow_of(spec: TensorSpec, storage: torch.UntypedStorage, storage_offset: int) -> Tensor:
    """Return a tensor of `spec` over `storage`, which keeps no block of a pool alive."""
    return torch.empty(0, dtype=spec.dtype).set_(storage, storage_offset, spec.size, spec.stride)
