"""Graph passes: functions that rewrite a traced graph, and a report of what each one changed.

A pass takes the graph that Dynamo wrote down, changes it in place, and returns how many places it changed. What a pass
saves is counted in nodes, and in kernels: nodes that compute into memory of their own or write into memory of others.
Views, sizes and bare allocations launch nothing.

Not modelled: a node counts as one kernel, as it is on a GPU for the fused ops of the decoder. A composite torch
function may launch several, and Inductor may merge several nodes into one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload, OpOverloadPacket
from torch.fx import GraphModule, Node

Pass = Callable[[GraphModule], int]

_ALLOCATES = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_WRITES = {"setitem", "iadd", "isub", "imul", "itruediv", "iand", "ior", "ixor"}


@dataclass(frozen=True)
class GraphCounts:
    """What a graph consists of: `nodes` and `kernels` in all, and how often each op occurs, by name."""

    nodes: int
    kernels: int
    ops: dict[str, int]


@dataclass(frozen=True)
class PassReport:
    """What one pass did: how many places it changed, and the graph before and after."""

    name: str
    num_replaced: int
    before: GraphCounts
    after: GraphCounts

    def __str__(self) -> str:
        saved = (
            f"nodes {self.before.nodes} -> {self.after.nodes}, kernels {self.before.kernels} -> {self.after.kernels}"
        )
        return f"{self.name}: {self.num_replaced} replaced, {saved}"


def run_passes(gm: GraphModule, passes: Iterable[Pass]) -> list[PassReport]:
    """Apply each pass to `gm` in turn, and return a report of each."""
    return [_run(gm, rewrite) for rewrite in passes]


def _run(gm: GraphModule, rewrite: Pass) -> PassReport:
    before = count_nodes(gm)
    num_replaced = rewrite(gm)
    gm.graph.lint()
    gm.recompile()
    return PassReport(getattr(rewrite, "__name__", str(rewrite)), num_replaced, before, count_nodes(gm))


def count_nodes(gm: GraphModule) -> GraphCounts:
    """Return how many nodes `gm` has that do something, and how many of them launch a kernel."""
    nodes = [node for node in gm.graph.nodes if node.op.startswith("call_")]
    ops = Counter(op_name(node) for node in nodes)
    return GraphCounts(len(nodes), sum(map(launches_kernel, nodes)), dict(ops.most_common()))


def op_name(node: Node) -> str:
    """Return what a node calls: `mini_lib::rms_norm` for a registered op, `linear` or `view` for torch's own."""
    if isinstance(node.target, OpOverload | OpOverloadPacket):
        return schema_of(node.target).name
    return str(node.target if node.op != "call_function" else getattr(node.target, "__name__", node.target))


def schema_of(target: Any) -> Any:
    """Return the schema of a registered op, called by its name alone or by name and overload."""
    return (target if isinstance(target, OpOverload) else getattr(target, target.overloads()[0]))._schema


def launches_kernel(node: Node) -> bool:
    """Tell whether a node has the device compute something, judged by the fake tensors that Dynamo left on it."""
    if not node.op.startswith("call_") or op_name(node) in _ALLOCATES:
        return False
    if writes_in_place(node):
        return True
    borrowed = {address for source in node.all_input_nodes for address in storages(source)}
    return bool(storages(node) - borrowed)


def writes_in_place(node: Node) -> bool:
    """Tell whether a node writes into a tensor that it is given."""
    if isinstance(node.target, OpOverload | OpOverloadPacket):
        return bool(schema_of(node.target).is_mutable)
    name = op_name(node)
    return name in _WRITES or (name.endswith("_") and not name.endswith("__"))


def storages(node: Node) -> set[int]:
    """Return which memory the value of `node` lies in. Views lie in the memory of what they view."""
    return {tensor.untyped_storage()._cdata for tensor in _tensors(node.meta.get("example_value"))}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
