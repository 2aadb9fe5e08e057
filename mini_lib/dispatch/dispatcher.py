"""Chooses the graph of a batch: from its number of tokens and whether it only decodes, to a mode and a key.

All keys are made when the dispatcher is: one per capture size for mixed batches, and one per size for decode batches
where those have graphs of their own. A batch is padded to the smallest size that holds it and looked up, the most
special graph first: FULL under the exact key, then PIECEWISE under the relaxed key, which any batch of that many tokens
may use, then no graph at all, unpadded. The rules are vLLM 0.33.0's (`v1/cudagraph_dispatcher.py`).

A dispatcher owns no graph and sees no request. Whether a batch is `uniform_decode` is for the caller to say, from the
*state* of its requests: the last prompt chunk of one token has the shape of a decode, and is none.

Not modelled: keys for LoRA cases and micro-batches, and data-parallel ranks that agree on one mode. vLLM rounds the
sizes up to multiples of `query_len`; here a size that is no multiple simply serves no decode batch.

>>> dispatcher = CudagraphDispatcher(CUDAGraphMode.FULL_AND_PIECEWISE, [1, 2, 4, 8], max_num_seqs=4)
>>> for num_tokens, uniform_decode in [(3, True), (3, False), (7, True), (9, False)]:
...     mode, key = dispatcher.dispatch(num_tokens, uniform_decode)
...     print(mode.name, key.num_tokens, key.num_reqs, key.uniform)
FULL 4 4 True
PIECEWISE 4 None False
PIECEWISE 8 None False
NONE 9 None False
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mini_lib.dispatch.capture_sizes import Ladder, as_ladder
from mini_lib.dispatch.modes import BatchDescriptor, CUDAGraphMode

RUNTIME_MODES = frozenset({CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL})


class CudagraphDispatcher:
    """Turns (number of tokens, only decoding?) into (mode of this batch, key of its graph).

    Args:
        mode: any of the five; `resolve_cudagraph_mode` says which one attention allows.
        capture_sizes: numbers of tokens that get a graph, or a `Ladder` of one's own. Empty: everything runs eagerly.
        max_num_seqs: the most requests in a batch; no decode batch is wider, so none above it gets a decode graph.
        query_len: tokens that each request brings to a decode batch, 1 + its speculative tokens.
        max_padding_ratio: a batch that is no uniform decode, padded to more than so many times its tokens, runs
            eagerly instead (SGLang 0.5.23: 2, for prefill). None, as in vLLM: padding is always worth it.

    Raises:
        ValueError: a limit or a ratio below 1.
    """

    def __init__(
        self,
        mode: CUDAGraphMode,
        capture_sizes: Ladder | Iterable[int],
        *,
        max_num_seqs: int,
        query_len: int = 1,
        max_padding_ratio: float | None = None,
    ) -> None:
        limits = {"max_num_seqs": max_num_seqs, "query_len": query_len, "max_padding_ratio": max_padding_ratio}
        for name, limit in limits.items():
            if limit is not None and limit < 1:
                raise ValueError(f"{name} is {limit}, and it must be at least 1.")
        self.max_padding_ratio = max_padding_ratio
        self.mode = mode
        self.capture_sizes = as_ladder(capture_sizes)
        self.max_num_seqs, self.query_len = max_num_seqs, query_len
        self._keys = {mode: self._keys_of(mode) for mode in (CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL)}

    def dispatch(
        self,
        num_tokens: int,
        uniform_decode: bool = False,
        *,
        valid_modes: Collection[CUDAGraphMode] | None = None,
        invalid_modes: Collection[CUDAGraphMode] = frozenset(),
    ) -> tuple[CUDAGraphMode, BatchDescriptor]:
        """Return how a batch of `num_tokens` tokens runs, and the key of its graph: the size it must be padded to.

        `valid_modes` (None: all) less `invalid_modes` limits the choice, for a batch that must not be in a FULL graph.
        With mode NONE the descriptor is the batch itself, unpadded.

        Raises:
            ValueError: no token at all; a uniform decode that is no multiple of `query_len`; or NONE is not allowed
                and no allowed mode has a graph of this size (a batch above the largest size runs eagerly even then,
                and so does one above `max_padding_ratio`).
        """
        self._check_batch(num_tokens, uniform_decode)
        allowed = (RUNTIME_MODES if valid_modes is None else frozenset(valid_modes)) - frozenset(invalid_modes)
        size = self._padded(num_tokens)
        if size is None or self._is_too_loose(num_tokens, size, uniform_decode) or not allowed - {CUDAGraphMode.NONE}:
            return CUDAGraphMode.NONE, BatchDescriptor(num_tokens)
        exact = self._full_key(size, uniform_decode and self.mode.separate_routine())
        for mode, key in (
            (CUDAGraphMode.FULL, exact),
            (CUDAGraphMode.PIECEWISE, exact.relax_for_mixed_batch_cudagraphs()),
        ):
            if mode in allowed and key in self._keys[mode]:
                return mode, key
        if CUDAGraphMode.NONE not in allowed:
            self._refuse_eager(num_tokens, size, allowed)
        return CUDAGraphMode.NONE, BatchDescriptor(num_tokens)

    def capture_keys(self) -> list[tuple[CUDAGraphMode, BatchDescriptor]]:
        """Return every graph to capture, in the order to do it: PIECEWISE before FULL, each from the largest down.

        Larger graphs first, so that smaller ones find their memory already in the pool; PIECEWISE first for the same
        reason, since its mixed batches have the larger activations. Each key is what `dispatch` gives to some batch.
        """
        return [(mode, key) for mode, keys in self._keys.items() for key in keys]

    def _keys_of(self, mode: CUDAGraphMode) -> dict[BatchDescriptor, None]:
        """Return the keys of `mode`, the largest first: a dict for its order."""
        sizes = sorted(self.capture_sizes, reverse=True) if self.mode else []
        keys = []
        if self.mode.mixed_mode() is mode:
            keys = [self._full_key(size, uniform=False) for size in sizes]
        elif self.mode.decode_mode() is mode:
            keys = [self._full_key(size, uniform=True) for size in sizes if self._holds_a_decode(size)]
        relaxed = mode is CUDAGraphMode.PIECEWISE
        return dict.fromkeys(key.relax_for_mixed_batch_cudagraphs() if relaxed else key for key in keys)

    def _full_key(self, size: int, uniform: bool) -> BatchDescriptor:
        num_reqs = size // self.query_len if uniform else size
        return BatchDescriptor(size, min(num_reqs, self.max_num_seqs), uniform)

    def _holds_a_decode(self, size: int) -> bool:
        return size % self.query_len == 0 and size <= self.max_num_seqs * self.query_len

    def _padded(self, num_tokens: int) -> int | None:
        """Return the size that `num_tokens` is padded to. Checks the ladder, which may be a student's own."""
        size = self.capture_sizes.pad(num_tokens)
        if size is not None and size < num_tokens:
            raise ValueError(
                f"{self.capture_sizes!r} pads {num_tokens} tokens to {size}: that graph has no room for the last "
                f"{num_tokens - size}. A ladder pads up, or answers None where no size is large enough."
            )
        return size

    def _is_too_loose(self, num_tokens: int, size: int, uniform_decode: bool) -> bool:
        return not uniform_decode and self.max_padding_ratio is not None and size > self.max_padding_ratio * num_tokens

    def _check_batch(self, num_tokens: int, uniform_decode: bool) -> None:
        if num_tokens < 1:
            raise ValueError(f"there is no graph to choose for {num_tokens} tokens: skip an empty step.")
        if uniform_decode and num_tokens % self.query_len:
            raise ValueError(
                f"{num_tokens} tokens cannot be a uniform decode in which each request brings {self.query_len}: "
                "say uniform_decode=False for a batch that is not all decodes."
            )

    def _refuse_eager(self, num_tokens: int, size: int, allowed: frozenset[CUDAGraphMode]) -> None:
        names = ", ".join(sorted(mode.name for mode in allowed))
        raise ValueError(
            f"{num_tokens} tokens pad to {size}, which under {self.mode.name} has no graph in the allowed modes "
            f"({names}), and NONE is not among them. Allow NONE, or capture that size."
        )
