"""How much of a forward pass is replayed from CUDA graphs, and the key of a captured graph.

`NONE`, `PIECEWISE` and `FULL` say how one batch runs. `FULL_DECODE_ONLY` and `FULL_AND_PIECEWISE` are policies: a pair
of (mode of batches that only decode, mode of every other batch). All five as in vLLM 0.33.0 (`config/compilation.py`).

Not modelled: keys for LoRA cases, micro-batches and several tokens per decode.

>>> CUDAGraphMode.FULL_AND_PIECEWISE.decode_mode(), CUDAGraphMode.FULL_AND_PIECEWISE.mixed_mode()
(<CUDAGraphMode.FULL: 2>, <CUDAGraphMode.PIECEWISE: 1>)
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class CUDAGraphMode(Enum):
    """How much of a forward pass is replayed from CUDA graphs."""

    NONE = 0
    PIECEWISE = 1
    FULL = 2
    FULL_DECODE_ONLY = (2, 0)
    FULL_AND_PIECEWISE = (2, 1)

    def decode_mode(self) -> CUDAGraphMode:
        """Return how a batch runs in which every request decodes."""
        return CUDAGraphMode(self.value[0]) if self.separate_routine() else self

    def mixed_mode(self) -> CUDAGraphMode:
        """Return how every other batch runs: prefills, or prefills and decodes together."""
        return CUDAGraphMode(self.value[1]) if self.separate_routine() else self

    def separate_routine(self) -> bool:
        """Tell whether decode batches have graphs of their own."""
        return isinstance(self.value, tuple)

    def is_valid_runtime_mode(self) -> bool:
        """Tell whether one batch can run in this mode: the two policies are no modes of a batch."""
        return not self.separate_routine()

    def has_mode(self, mode: CUDAGraphMode) -> bool:
        """Tell whether some batch runs in `mode` under this policy.

        Raises:
            ValueError: `mode` is itself a pair; ask for one of its halves.
        """
        if not mode.is_valid_runtime_mode():
            raise ValueError(f"{mode.name} is a pair of modes, and no batch runs in it: ask for NONE, PIECEWISE, FULL.")
        return mode in (self.decode_mode(), self.mixed_mode())

    def has_full_cudagraphs(self) -> bool:
        """Tell whether some batch replays one graph for the whole forward pass."""
        return self.has_mode(CUDAGraphMode.FULL)

    def has_piecewise_cudagraphs(self) -> bool:
        """Tell whether some batch replays graphs between eager attention."""
        return self.has_mode(CUDAGraphMode.PIECEWISE)

    def requires_piecewise_compilation(self) -> bool:
        """Tell whether the model must be cut at attention for this policy."""
        return self.has_piecewise_cudagraphs()

    def max_cudagraph_mode(self) -> CUDAGraphMode:
        """Return the larger of the two halves."""
        return CUDAGraphMode(max(self.decode_mode().value, self.mixed_mode().value))

    def without_piecewise(self) -> CUDAGraphMode:
        """Return what is left of this policy when the model cannot be cut at attention."""
        if not self.has_piecewise_cudagraphs():
            return self
        return CUDAGraphMode.FULL_DECODE_ONLY if self.separate_routine() else CUDAGraphMode.NONE

    def __bool__(self) -> bool:
        return self is not CUDAGraphMode.NONE


class BatchDescriptor(NamedTuple):
    """The key of a captured graph: all that the graph must know about a padded batch.

    `num_reqs` is None where the graph does not care (piecewise: attention runs outside of it). `uniform` means that
    every request brings the same number of tokens, as in decode.
    """

    num_tokens: int
    num_reqs: int | None = None
    uniform: bool = False

    def relax_for_mixed_batch_cudagraphs(self) -> BatchDescriptor:
        """Return the key under which a piecewise graph of this size is kept."""
        return BatchDescriptor(self.num_tokens)
