"""A model under one of the compilation modes, called as the model itself is.

>>> import torch
>>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
>>> compiled = compile_model(model, CompilationConfig(CompilationMode.VLLM_COMPILE))
>>> [tuple(compiled(torch.ones(num_tokens, 4)).shape) for num_tokens in (8, 1, 3)], compiled.num_traces
([(8, 4), (1, 4), (3, 4)], 1)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.fx import GraphModule

from mini_lib.compilation.backend import PieceCompiler, SplitModel, SplittingBackend, Wrap
from mini_lib.compilation.modes import CompilationMode
from mini_lib.compilation.passes import Pass
from mini_lib.compilation.splitting import SplittingOps
from mini_lib.compilation.tracing import TracedForward, afresh, trace_once
from mini_lib.model import SPLITTING_OPS


@dataclass(frozen=True)
class CompilationConfig:
    """How a model is compiled. Everything after `mode` counts for `VLLM_COMPILE` alone, unless it says otherwise.

    Args:
        mode: how much `torch.compile` has a hand in it.
        splitting_ops: where to cut: name of the op -> Python function that does the same. By default the attention of
            `mini_lib.model`. `DYNAMO_TRACE_ONCE` does not cut, but calls the functions too.
        wrap: `wrap(piece, index, is_last)` returns what is called in place of a captured piece, for instance a
            `CUDAGraphWrapper` in mode PIECEWISE. `index` is 0, 1, ... over the captured pieces. A piece takes tensors
            and ints by position and returns a tensor or a tuple of them. None: the pieces run as they are.
        passes: rewrite the traced graph before it is cut, for instance `fuse_add_rms_norm`.
        compile_piece: a `torch.compile` backend for each captured piece (`STOCK_TORCH_COMPILE`: for the whole model).
            None: torch's own kernels, one per node, which needs no C++ compiler.
    """

    mode: CompilationMode = CompilationMode.VLLM_COMPILE
    splitting_ops: SplittingOps = field(default_factory=lambda: SPLITTING_OPS)
    wrap: Wrap | None = None
    passes: Sequence[Pass] = ()
    compile_piece: PieceCompiler | None = None


class CompiledModel:
    """A model that was, or will be, traced. The trace happens at the first call, or in `trace`, and only then.

    `num_traces` counts how often Dynamo wrote the model down: once, whatever sizes come, where guards are dropped.
    """

    def __init__(self, model: torch.nn.Module, config: CompilationConfig) -> None:
        self.model, self.config = model, config
        self.num_traces = 0
        self._signature = inspect.signature(model.forward)
        self._traced: TracedForward | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model on arguments whose tensors have the number of tokens as dim 0.

        Raises:
            GraphBreakError: the first call found that the model cannot be traced as one graph.
            TypeError, ValueError: a later call differs from the first in more than the number of tokens.
        """
        args = self._by_position(args, kwargs)
        if self._traced is None:
            self.trace(*args)
        assert self._traced is not None
        return self._traced(*args)

    def trace(self, *args: Any) -> SplitModel:
        """Trace the model for arguments like these, running nothing, and return the cut model. Later calls reuse it."""
        if self._traced is None:
            self._traced = trace_once(self.model.forward, args, self._build)
        return self.split

    @property
    def split(self) -> SplitModel:
        """The cut model: its `graph`, its `pieces`, and the `reports` of the passes.

        Raises:
            RuntimeError: nothing was traced yet.
        """
        if self._traced is None:
            raise RuntimeError("This model is traced at its first call. Call it, or trace(), before you look inside.")
        assert isinstance(self._traced.built, SplitModel)
        return self._traced.built

    @property
    def num_tokens_seen(self) -> frozenset[int]:
        """The batch sizes that ran so far, all on the one trace."""
        return frozenset() if self._traced is None else self._traced.num_tokens_seen

    def _build(self, gm: GraphModule, example_inputs: list[Any]) -> SplitModel:
        self.num_traces += 1
        return _backend(self.config)(gm, example_inputs)

    def _by_position(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not kwargs and len(args) == len(self._signature.parameters):
            return args
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args


class StockCompiledModel:
    """A model under plain `torch.compile`. `num_traces` counts how often Dynamo wrote it down."""

    def __init__(self, model: torch.nn.Module, compile_piece: PieceCompiler | None) -> None:
        self.model = model
        self.num_traces = 0
        self._compile = compile_piece
        self._run = torch.compile(afresh(model.forward), backend=self._build)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model; compile it first if no graph fits these arguments."""
        return self._run(*args, **kwargs)

    def _build(self, gm: GraphModule, example_inputs: list[Any]) -> Callable[..., Any]:
        self.num_traces += 1
        return gm.forward if self._compile is None else self._compile(gm, example_inputs)


def compile_model(model: torch.nn.Module, config: CompilationConfig) -> Callable[..., Any]:
    """Return what to call in place of `model(...)`, with the same arguments and results.

    `NONE` gives the model itself, `STOCK_TORCH_COMPILE` a `StockCompiledModel`, the other two a `CompiledModel`, whose
    first call traces (or `compiled.trace(...)`, which runs nothing) and whose later calls never do. Make that first
    call before any capture. What a `wrap` needs to know of a call it finds in the forward context: pieces are called
    anew at every step, in order, with splitting ops running eagerly between them.

        compiled = compile_model(model, CompilationConfig(wrap=lambda piece, index, is_last: CUDAGraphWrapper(...)))
        hidden = compiled(input_ids, positions)
    """
    if config.mode is CompilationMode.NONE:
        return model
    if config.mode is CompilationMode.STOCK_TORCH_COMPILE:
        return StockCompiledModel(model, config.compile_piece)
    return CompiledModel(model, config)


def _backend(config: CompilationConfig) -> SplittingBackend:
    if config.mode is CompilationMode.DYNAMO_TRACE_ONCE:
        return SplittingBackend(config.splitting_ops, cuts=False)
    return SplittingBackend(config.splitting_ops, config.wrap, config.passes, config.compile_piece)
