"""Cut a traced model at its splitting ops: what lies between them can be captured, they themselves run eagerly.

Nodes keep the order in which the model ran them. Each run of splitting ops is a piece, and so is each run of other
nodes. L attention layers give 2L + 1 pieces, of which L + 1 are captured (vLLM 0.33.0, `compilation/backends.py`).

In the cut model a splitting node calls the plain Python function, no longer the op of the same name: whoever captures
the cut model as a whole then sees the kernels inside it.

Not modelled: pieces that launch nothing (views between two splitting ops) are cut out and captured like all others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from torch.fx import GraphModule, Node
from torch.fx.passes.split_module import split_module

from mini_lib.compilation.passes import op_name, schema_of

SplittingOps = Mapping[str, Callable[..., None]]  # "mini_lib::attention" -> the function that does the same


class SplitItem(NamedTuple):
    """One piece: its name in the cut model, its place in the order, whether it stays eager, and its own graph."""

    submod_name: str
    graph_id: int
    is_splitting_graph: bool
    graph: GraphModule


def split_graph(gm: GraphModule, splitting_ops: SplittingOps) -> tuple[GraphModule, list[SplitItem]]:
    """Return the cut model, which calls its pieces one after the other, and the pieces in that order.

    Args:
        gm: a graph as Dynamo hands it to a backend. It is taken apart: use the result in its place.
        splitting_ops: the ops at which to cut, each with the Python function to call instead. Empty: one piece.

    Raises:
        ValueError: a splitting op returns something. The next piece reads the address that it saw at capture, so a
            splitting op has to write into a tensor that it is given.
    """
    piece_of, splitting = _assign(gm, splitting_ops)
    call_plainly(gm, splitting_ops)
    split = split_module(gm, gm, piece_of.__getitem__, keep_original_order=True)
    names = [node.target for node in split.graph.nodes if node.op == "call_module"]
    ids = [int(str(name).removeprefix("submod_")) for name in names]
    return split, [
        SplitItem(str(name), i, i in splitting, cast(GraphModule, split.get_submodule(str(name))))
        for name, i in zip(names, ids, strict=True)
    ]


def call_plainly(gm: GraphModule, splitting_ops: SplittingOps) -> None:
    """Let the splitting nodes of `gm` call the Python functions, with their arguments by position."""
    for node in gm.graph.nodes:
        if (name := op_name(node)) in splitting_ops:
            names = [argument.name for argument in schema_of(node.target).arguments]
            node.args = (*node.args, *(node.kwargs[key] for key in names[len(node.args) :] if key in node.kwargs))
            node.kwargs, node.target = {}, splitting_ops[name]
    gm.recompile()


def _assign(gm: GraphModule, splitting_ops: SplittingOps) -> tuple[dict[Node, int], set[int]]:
    """Return the number of each node's piece, and which pieces hold splitting ops."""
    piece_of: dict[Node, int] = {}
    splitting: set[int] = set()
    current, cuts = 0, False
    for node in gm.graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        if node.target is operator.getitem and node.args[0] in piece_of:
            piece_of[node] = piece_of[node.args[0]]  # a tuple never crosses a cut: its parts do
            continue
        is_cut = op_name(node) in splitting_ops
        _refuse_results(node, is_cut)
        current += bool(piece_of) and is_cut != cuts
        cuts = is_cut
        piece_of[node] = current
        splitting |= {current} if is_cut else set()
    return piece_of, splitting


def _refuse_results(node: Node, is_cut: bool) -> None:
    if is_cut and node.users:
        raise ValueError(
            f"{op_name(node)} returns something that {next(iter(node.users)).name} uses. It runs anew at every step, "
            "and the graph after it reads the address of capture. Let it write into a tensor that it is given, and "
            "return nothing."
        )
