"""What is left of a wanted `CUDAGraphMode` once attention and the cut of the model have had their say.

One graph for the whole forward pass holds the attention kernels too, so it can only be recorded where their launches
do not change from step to step. How far that goes is a property of the attention backend, and a model with several
groups of attention layers is worth its weakest group. The rules are vLLM 0.33.0's (`config/compilation.py`,
`resolve_cudagraph_mode_and_sizes`).

Not modelled: downgrades for other reasons (pooling, encoders, KV connectors, `enforce_eager`), and the capture sizes,
which vLLM rounds to multiples of the query length at the same place.

>>> resolve_cudagraph_mode(CUDAGraphMode.FULL, AttentionCGSupport.UNIFORM_BATCH, piecewise=True)
<CUDAGraphMode.FULL_AND_PIECEWISE: (2, 1)>
"""

from __future__ import annotations

from enum import IntEnum

from mini_lib.dispatch.modes import CUDAGraphMode


class AttentionCGSupport(IntEnum):
    """Which batches an attention backend can run inside a graph; the larger value includes the smaller.

    Take the `min` over all attention groups of a model. The names and values of vLLM 0.33.0 (`attention/backend.py`).
    """

    NEVER = 0
    UNIFORM_SINGLE_TOKEN_DECODE = 1  # one new token per request
    UNIFORM_BATCH = 2  # the same number of new tokens for every request, as in speculative decoding
    ALWAYS = 3  # prefill and decode mixed in one batch


def resolve_cudagraph_mode(
    mode: CUDAGraphMode, support: AttentionCGSupport, *, piecewise: bool, query_len: int = 1
) -> CUDAGraphMode:
    """Return the mode that an engine really runs when `mode` is asked for.

    `piecewise` says whether the model is cut at attention, so that the pieces between can be captured. `query_len` is
    the number of tokens that one request brings to a decode batch: 1 + its speculative tokens.

    Raises:
        ValueError: `FULL` with attention that never runs inside a graph, or a `query_len` below 1.
    """
    _check(mode, support, query_len)
    if not piecewise:
        mode = mode.without_piecewise()
    if mode is CUDAGraphMode.FULL and support is not AttentionCGSupport.ALWAYS:
        mode = CUDAGraphMode.FULL_AND_PIECEWISE if piecewise else CUDAGraphMode.FULL_DECODE_ONLY
    if mode.has_full_cudagraphs() and support < _needed_for_decode(query_len):
        mode = CUDAGraphMode.PIECEWISE if piecewise else CUDAGraphMode.NONE
    return mode


def _needed_for_decode(query_len: int) -> AttentionCGSupport:
    """Return the least support with which a batch that only decodes fits into one graph."""
    return AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE if query_len == 1 else AttentionCGSupport.UNIFORM_BATCH


def _check(mode: CUDAGraphMode, support: AttentionCGSupport, query_len: int) -> None:
    if query_len < 1:
        raise ValueError(f"query_len is {query_len}: a request brings at least 1 token to a decode batch.")
    # Only plain FULL is refused: the two policies with FULL in them leave something to fall back on.
    if mode is CUDAGraphMode.FULL and support is AttentionCGSupport.NEVER:
        raise ValueError(
            "FULL puts attention into the graph, and this attention (AttentionCGSupport.NEVER) cannot run there. "
            "Ask for PIECEWISE, which keeps attention outside, for FULL_AND_PIECEWISE, which falls back to it, "
            "for NONE, or take an attention backend that supports graphs."
        )
