"""One recorded kernel launch, and how it is carried out at replay.

A node holds *shadows*: tensors over the addresses that the op was recorded with, which own nothing. To carry out an op
means to compute its result and copy it to the address that capture promised. That is safe for every op and costs one
copy. Ops in `_WRITES_STRAIGHT` write to the address at once through `out=`; the list is short on purpose, since some
`out=` kernels resize what they are given first (`mse_loss` does, to the shape before the mean), and a shadow owns no
memory to grow into.

Not modelled: fused kernels and kernel counts. `rms_norm` is five nodes here and may be one kernel on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload

from mini_lib.graphs.rules import is_random
from mini_lib.graphs.signatures import map_tensors, signature_of

aten = torch.ops.aten
Step = Callable[[], object]
Result = Tensor | list[Tensor] | None


def _relu(x: Tensor, out: Tensor) -> Tensor:
    return torch.clamp_min(x, 0, out=out)  # what relu is made of; relu itself takes no `out=`


_WRITES_STRAIGHT: dict[OpOverload, Callable[..., Any]] = {
    aten.mm.default: torch.mm,
    aten.addmm.default: torch.addmm,
    aten.bmm.default: torch.bmm,
    aten.add.Tensor: torch.add,
    aten.sub.Tensor: torch.sub,
    aten.mul.Tensor: torch.mul,
    aten.div.Tensor: torch.div,
    aten.neg.default: torch.neg,
    aten.exp.default: torch.exp,
    aten.tanh.default: torch.tanh,
    aten.sigmoid.default: torch.sigmoid,
    aten.relu.default: _relu,
    aten.silu.default: aten.silu.out,
    aten._softmax.default: aten._softmax.out,
    aten.rsqrt.default: torch.rsqrt,
    aten.sqrt.default: torch.sqrt,
    aten.pow.Tensor_Scalar: torch.pow,
}


class Node(NamedTuple):
    """A kernel launch: the op's name, what replay calls, and whether it draws random numbers."""

    name: str
    step: Step
    is_random: bool = False


def node_of(func: OpOverload, args: Any, kwargs: dict[str, Any], results: Sequence[Result]) -> Node:
    """Return the node that computes `func` on shadows and leaves what is new at `results` (None: nothing new)."""
    return Node(signature_of(func).name, _step(func, args, kwargs, results), is_random(func))


def _step(func: OpOverload, args: Any, kwargs: dict[str, Any], results: Sequence[Result]) -> Step:
    if outs := signature_of(func).outs:
        return _through_temporaries(func, args, kwargs, outs)
    if all(result is None for result in results):
        return partial(func, *args, **kwargs)
    if func in _WRITES_STRAIGHT:
        return partial(_WRITES_STRAIGHT[func], *args, **kwargs, out=results[0])
    return _then_copy(partial(func, *args, **kwargs), results)


def _then_copy(compute: Callable[[], Any], results: Sequence[Result]) -> Step:
    if len(results) == 1 and isinstance(results[0], Tensor):
        write = results[0].copy_
        return lambda: write(compute())

    def step() -> None:
        values = compute()
        for result, value in zip(results, values if len(results) > 1 else (values,), strict=True):
            _write(result, value)

    return step


def _write(result: Result, value: Any) -> None:
    if isinstance(result, list):
        for one, its_value in zip(result, value, strict=True):
            one.copy_(its_value)
    elif result is not None and value.numel() == result.numel():  # batch norm leaves unused extras empty on the CPU
        result.copy_(value)


def _through_temporaries(func: OpOverload, args: Any, kwargs: dict[str, Any], outs: tuple[str, ...]) -> Step:
    """Give an `out=` kernel memory of its own, which it may resize, and copy from there."""
    inputs = {name: value for name, value in kwargs.items() if name not in outs}
    targets = {name: kwargs[name] for name in outs}

    def step() -> None:
        temporaries = map_tensors(targets, torch.empty_like)
        func(*args, **inputs, **temporaries)
        for name, target in targets.items():
            _write(target, temporaries[name])

    return step
