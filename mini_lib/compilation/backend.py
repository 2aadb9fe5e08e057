"""The `torch.compile` backend: run passes over the traced graph, cut it at the splitting ops, wrap what is between.

It is an ordinary backend (`torch.compile(model, backend=SplittingBackend(...))`), and `compile_model` uses it with
guards dropped. Pieces run as FX graphs, one torch kernel after the other, so no C++ compiler is needed; a piece
compiler (`inductor` on a GPU) is one argument away. In vLLM 0.33.0 this is `VllmBackend`.

Not modelled: caching of compiled pieces on disk; compiling one piece for several ranges of sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch.fx import GraphModule

from mini_lib.compilation.passes import Pass, PassReport, run_passes
from mini_lib.compilation.splitting import SplitItem, SplittingOps, call_plainly, split_graph

Wrap = Callable[[Callable[..., Any], int, bool], Callable[..., Any]]  # wrap(piece, index, is_last)
PieceCompiler = Callable[[GraphModule, list[Any]], Callable[..., Any]]  # any torch.compile backend


@dataclass(frozen=True, eq=False)
class SplitModel:
    """A cut model, ready to run: `graph` calls the wrapped pieces in order. `pieces` and `reports` tell how it came."""

    graph: GraphModule
    pieces: Sequence[SplitItem]
    reports: Sequence[PassReport]

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        """Run the pieces on the graph's inputs, and return its outputs."""
        return self.graph(*inputs)

    @property
    def num_captured(self) -> int:
        """How many pieces are wrapped: one more than there are places to cut, if nothing is empty."""
        return sum(not piece.is_splitting_graph for piece in self.pieces)


@dataclass(frozen=True, eq=False)
class SplittingBackend:
    """A `torch.compile` backend that returns a `SplitModel`.

    Args:
        splitting_ops: name of each op to cut at -> the Python function to call in its place.
        wrap: `wrap(piece, index, is_last)` returns what is called in place of a piece; `index` counts captured pieces.
        passes: rewrite the whole graph before it is cut, in this order.
        compile_piece: makes something faster of a piece; None runs its nodes one by one.
        cuts: False leaves the graph whole, and wraps nothing.
    """

    splitting_ops: SplittingOps = field(default_factory=dict)
    wrap: Wrap | None = None
    passes: Sequence[Pass] = ()
    compile_piece: PieceCompiler | None = None
    cuts: bool = True

    def __call__(self, gm: GraphModule, example_inputs: Sequence[Any]) -> SplitModel:
        """Build the cut model. `example_inputs` is what torch hands to every backend; the graph says more."""
        reports = run_passes(gm, self.passes)
        if not self.cuts:
            call_plainly(gm, self.splitting_ops)
            return SplitModel(gm, (), reports)
        split, pieces = split_graph(gm, self.splitting_ops)
        captured = [piece for piece in pieces if not piece.is_splitting_graph]
        for index, piece in enumerate(captured):
            delattr(split, piece.submod_name)  # a submodule may only be replaced by a module, an attribute by anything
            setattr(split, piece.submod_name, self._build(piece.graph, index, index == len(captured) - 1))
        return SplitModel(split, pieces, reports)

    def _build(self, graph: GraphModule, index: int, is_last: bool) -> Callable[..., Any]:
        run: Callable[..., Any] = graph
        if self.compile_piece is not None:
            run = self.compile_piece(
                graph, [node.meta["example_value"] for node in graph.graph.find_nodes(op="placeholder")]
            )
        return run if self.wrap is None else self.wrap(run, index, is_last)


def compile_with_inductor(graph: GraphModule, example_inputs: list[Any]) -> Callable[..., Any]:
    """Return what Inductor makes of a piece: fewer kernels, with other last bits. Pass it as `compile_piece`.

    It needs Triton on a GPU and a C++ compiler on a CPU, and takes seconds a piece.
    """
    from torch._dynamo import lookup_backend  # not at the top: it costs seconds, and only who compiles should pay

    return lookup_backend("inductor")(graph, example_inputs)
