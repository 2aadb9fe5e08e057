"""The model as it will be called: cut into pieces on the inside, one whole graph on the outside.

The two kinds of wrapper nest, as in vLLM. A batch in mode FULL is served by the outer one and never gets further; a
batch in mode PIECEWISE passes the outer one by and is served piece by piece; a batch in mode NONE passes both by. The
forward context says which. All graphs share one pool, since no two of them ever run at the same time.

There are two ways to cut: `BreakableCUDAGraphWrapper` cuts while the model runs, at every splitting op;
`CompilationMode.VLLM_COMPILE` lets Dynamo write the model down first, and cuts what is written.

Not modelled: fusion passes, which change the numbers a little; `mini_lib.compilation` has them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

from torch import nn

from mini_lib.compilation import (
    BreakableCUDAGraphWrapper,
    CompilationConfig,
    CompilationMode,
    CUDAGraphOptions,
    CUDAGraphWrapper,
    compile_model,
)
from mini_lib.compilation.backend import PieceCompiler
from mini_lib.dispatch import AttentionCGSupport, BatchDescriptor, CUDAGraphMode, resolve_cudagraph_mode
from mini_lib.engine.device_step import Forward

CUTS = (CompilationMode.NONE, CompilationMode.VLLM_COMPILE)  # the others leave the model in one piece
Keys = list[tuple[CUDAGraphMode, BatchDescriptor]]


def mode_that_runs(mode: CUDAGraphMode, compilation_mode: CompilationMode, enforce_eager: bool) -> CUDAGraphMode:
    """Return what is left of `mode`: nothing under `enforce_eager` or plain `torch.compile`, which replaces graphs.

    Our attention looks requests up token by token, so it fits into a full graph whatever the batch (ALWAYS).

    Raises:
        TypeError: `mode` is none of `CUDAGraphMode`.
    """
    if not isinstance(mode, CUDAGraphMode):
        raise TypeError(f"cudagraph_mode is {mode!r}: it is one of {', '.join(map(str, CUDAGraphMode))}.")
    if enforce_eager or compilation_mode is CompilationMode.STOCK_TORCH_COMPILE:
        return CUDAGraphMode.NONE
    return resolve_cudagraph_mode(mode, AttentionCGSupport.ALWAYS, piecewise=compilation_mode in CUTS)


class GraphedModel:
    """Makes a model ready for the graphs of `keys`: cuts it, wraps it, and owns the pool of all its graphs.

    `compile_piece` makes something faster of each piece of a compiled model, for instance `compile_with_inductor`.
    """

    def __init__(
        self,
        keys: Keys,
        compilation_mode: CompilationMode,
        device_module: ModuleType,
        compile_piece: PieceCompiler | None = None,
    ) -> None:
        self.keys, self.compilation_mode, self.device_module = keys, compilation_mode, device_module
        self.compile_piece = compile_piece
        self.pool: Any = device_module.graph_pool_handle()
        self._modes = {mode for mode, _ in keys}

    def forward(self, model: Callable[..., Any]) -> Forward:
        """Return `model` as the engine calls it: the mode in the forward context says what is replayed."""
        cut = self._in_pieces(model)
        return self._wrapped(cut, CUDAGraphMode.FULL) if CUDAGraphMode.FULL in self._modes else cut

    @property
    def largest(self) -> int:
        """Tokens of the largest graph, 0 where there is none."""
        return max((descriptor.num_tokens for _, descriptor in self.keys), default=0)

    def _in_pieces(self, model: Callable[..., Any]) -> Forward:
        if self.compilation_mode is not CompilationMode.NONE:
            config = CompilationConfig(self.compilation_mode, wrap=self._piece, compile_piece=self.compile_piece)
            return compile_model(cast(nn.Module, model), config)
        if CUDAGraphMode.PIECEWISE not in self._modes:
            return model
        return BreakableCUDAGraphWrapper(model, device_module=self.device_module, pool=self.pool)

    def _piece(self, piece: Callable[..., Any], index: int, is_last: bool) -> Callable[..., Any]:
        """Return one piece of a compiled model behind its own graphs.

        Garbage is collected before the first piece only: once per size, not once per layer. The last piece lets go of
        its output, which no further graph reads.
        """
        if CUDAGraphMode.PIECEWISE not in self._modes:
            return piece
        options = CUDAGraphOptions(gc_disable=index > 0, weak_ref_output=is_last)
        return self._wrapped(piece, CUDAGraphMode.PIECEWISE, options)

    def _wrapped(
        self, call: Callable[..., Any], mode: CUDAGraphMode, options: CUDAGraphOptions | None = None
    ) -> CUDAGraphWrapper:
        return CUDAGraphWrapper(call, mode, device_module=self.device_module, pool=self.pool, options=options)
