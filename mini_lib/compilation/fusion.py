"""One real fusion pass: residual add and RMSNorm become one kernel, `mini_lib::fused_add_rms_norm`.

A decoder adds each block's output to the residual stream and normalises the sum at once. Two kernels write the sum to
memory and read it back; one need not. The fused op works in place, as vLLM 0.33.0's does: `x` becomes the normalised
sum, `residual` the sum. So the pass fires only where nobody reads the old values any more, and where both operands own
their memory: neither an input of the graph nor a view of something else.

Not modelled: patterns beyond this one, a norm of two sums, an add of tensors that broadcast or differ in dtype.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

from mini_lib.compilation.passes import launches_kernel, op_name, storages, writes_in_place

_NORMS = {"rms_norm"}  # torch.nn.functional.rms_norm, and torch.rms_norm as which Dynamo writes it down
_ADDS = {"add", "iadd"}


def fuse_add_rms_norm(gm: GraphModule) -> int:
    """Replace each add that feeds an RMSNorm, with that norm, by one in-place op, and return how many there were."""
    order = {node: i for i, node in enumerate(gm.graph.nodes)}
    return sum(_fuse(gm, norm, order) for norm in list(gm.graph.nodes) if op_name(norm) in _NORMS)


def _fuse(gm: GraphModule, norm: Node, order: dict[Node, int]) -> bool:
    added, shape, weight, eps = _norm_arguments(norm)
    if not _is_sum(added) or len(shape) != 1 or not isinstance(weight, Node) or eps is None:
        return False
    residual, x = sorted(added.all_input_nodes, key=order.__getitem__)
    if not all(_is_free_after(operand, added, order) for operand in (x, residual)):
        return False
    with gm.graph.inserting_before(added):
        gm.graph.call_function(torch.ops.mini_lib.fused_add_rms_norm.default, (x, residual, weight, eps))
    norm.replace_all_uses_with(x)
    added.replace_all_uses_with(residual)
    gm.graph.erase_node(norm)
    gm.graph.erase_node(added)
    return True


def _norm_arguments(norm: Node) -> tuple[Any, Any, Any, Any]:
    """Return (input, normalized_shape, weight, eps) of a norm, however they were passed."""
    names = ("input", "normalized_shape", "weight", "eps")
    given = dict(zip(names, norm.args, strict=False)) | norm.kwargs
    added, shape, weight, eps = (given.get(name) for name in names)
    return added, shape, weight, eps


def _is_sum(node: Any) -> bool:
    """Tell whether `node` adds two different tensors of one shape and dtype, and nothing but that."""
    if not isinstance(node, Node) or op_name(node) not in _ADDS or node.kwargs or len(node.args) != 2:
        return False
    values = [getattr(source, "meta", {}).get("example_value") for source in (*node.args, node)]
    kinds = [(value.shape, value.dtype) for value in values if isinstance(value, torch.Tensor)]
    return node.args[0] is not node.args[1] and len(kinds) == 3 and kinds[0] == kinds[1] == kinds[2]


def _is_free_after(operand: Node, added: Node, order: dict[Node, int]) -> bool:
    """Tell whether `operand` may be overwritten where `added` stands: it owns its memory, and nobody reads it later."""
    owns = launches_kernel(operand) and not writes_in_place(operand)
    return owns and _is_last_read(operand, added, order)


def _is_last_read(operand: Node, added: Node, order: dict[Node, int]) -> bool:
    for user in operand.users:
        if user is added:
            continue
        is_view = bool(storages(user) & storages(operand))
        if order.get(user, -1) > order[added] or (is_view and not _is_last_read(user, added, order)):
            return False
    return True
