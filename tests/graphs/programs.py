"""Random programs for the fuzz: instructions on a handful of small matrices, with writes, views and, rarely, a read.

A program is plain data, a list of `(instruction, i, j, k)`, so that hypothesis can shrink it. Operands are chosen
modulo what is there, hence every program runs. Only the last few results are kept, so that memory is used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_KEPT = 5
Instruction = tuple[str, int, int, int]


@dataclass
class State:
    """What a program works on: inputs that the test refills, a buffer that persists, and the latest results."""

    x: Tensor  # [4, 6]
    y: Tensor  # [4, 6]
    ids: Tensor  # [4], distinct rows of `buffer`
    buffer: Tensor  # [7, 6]
    kept: list[Tensor] = field(default_factory=list)

    def pick(self, index: int) -> Tensor:
        choices = [self.x, self.y, self.buffer, *self.kept]
        return choices[index % len(choices)]

    def like(self, other: Tensor, index: int) -> Tensor:
        """Return a matrix of the same shape as `other`: `other` itself if there is no second."""
        choices = [one for one in (self.x, self.y, *self.kept) if one.shape == other.shape] or [other]
        return choices[index % len(choices)]

    def source_for(self, target: Tensor, like: Tensor, index: int) -> Tensor:
        """Return a matrix of the shape of `like` that may be written to `target`.

        torch forbids a source that overlaps its target in part, and where it does not notice (an expanded row), the
        result depends on the order of the writes.
        """
        source = self.like(like, index)
        overlaps = source.untyped_storage().data_ptr() == target.untyped_storage().data_ptr()
        return source.clone() if overlaps else source

    def target(self, index: int) -> Tensor:
        """Return a matrix that may be written in place: one that has each element once."""
        chosen = self.pick(index)
        return chosen.contiguous() if 0 in chosen.stride() else chosen

    def keep(self, result: Tensor) -> None:
        self.kept = [*self.kept, result][-MAX_KEPT:]


Step = Callable[[State, int, int, int], "Tensor | None"]


def _rows(s: State, v: Tensor) -> Tensor:
    return s.ids.remainder(v.shape[0])


def _pointwise(fn: Callable[[Tensor], Tensor]) -> Step:
    return lambda s, i, j, k: fn(s.pick(i))


def _binary(fn: Callable[[Tensor, Tensor], Tensor]) -> Step:
    def step(s: State, i: int, j: int, k: int) -> Tensor:
        v = s.pick(i)
        return fn(v, s.like(v, j))

    return step


def _write(fn: Callable[[Tensor, Tensor, int], object]) -> Step:
    def step(s: State, i: int, j: int, k: int) -> None:
        with torch.no_grad():
            v = s.target(i)
            fn(v, s.source_for(v, v, j), k)

    return step


def _store(fn: Callable[[State, Tensor, int], object]) -> Step:
    def step(s: State, i: int, j: int, k: int) -> None:
        with torch.no_grad():
            fn(s, s.source_for(s.buffer, s.x, j), k)

    return step


COMPUTES: dict[str, Step] = {
    "neg": _pointwise(torch.neg),
    "tanh": _pointwise(torch.tanh),
    "relu": _pointwise(torch.relu),
    "gelu": _pointwise(F.gelu),
    "softmax": _pointwise(lambda v: v.softmax(-1)),
    "cumsum": _pointwise(lambda v: v.tanh().cumsum(0)),
    "scale": lambda s, i, j, k: s.pick(i) * (0.5 + k % 3),
    "shift": lambda s, i, j, k: 1.5 - s.pick(i) + k % 5,
    "layer_norm": _pointwise(lambda v: F.layer_norm(v, v.shape[-1:])),
    "centre": _pointwise(lambda v: v - v.mean(-1, keepdim=True)),
    "squash": _pointwise(lambda v: v / (1 + v.abs().amax())),
    "sort": _pointwise(lambda v: v.sort(-1).values),
    "roll": lambda s, i, j, k: s.pick(i).roll(k, dims=-1).flip(0),
    "to_int_and_back": _pointwise(lambda v: (v.tanh() * 9).to(torch.int32).to(torch.float32) // 2),
    "bfloat16": _pointwise(lambda v: v.bfloat16().float()),
    "add": _binary(torch.add),
    "sub": _binary(lambda v, u: torch.sub(v, u, alpha=0.5)),
    "mul": _binary(lambda v, u: v.tanh() * u),
    "maximum": _binary(torch.maximum),
    "where": _binary(lambda v, u: torch.where(v > u, v, u * 0.5)),
    "gram": _binary(lambda v, u: (v @ u.t()).tanh()),
    "cat": _binary(lambda v, u: torch.cat([v, u], 0)[: v.shape[0] + 1].tanh()),
    "take_rows": lambda s, i, j, k: s.pick(i)[_rows(s, s.pick(i))],
    "gather": lambda s, i, j, k: s.pick(i).gather(0, _rows(s, s.pick(i))[:, None].expand(4, s.pick(i).shape[1])),
    "masked_fill": lambda s, i, j, k: s.pick(i).masked_fill(s.pick(i) > 0.5, -1.5),
    "zeros": lambda s, i, j, k: torch.zeros(4, 6, device=s.x.device) + k,
    "empty_fill": lambda s, i, j, k: torch.empty(4, 6, device=s.x.device).fill_(k + 0.5),
    "dropout": _pointwise(lambda v: F.dropout(v, 0.25)),
    "rand": lambda s, i, j, k: torch.rand_like(s.pick(i)),
}
VIEWS: dict[str, Step] = {
    "transpose": _pointwise(lambda v: v.t()),
    "tail": _pointwise(lambda v: v[1:] if v.shape[0] > 2 else v),
    "every_second": _pointwise(lambda v: v[:, ::2] if v.shape[1] > 3 else v),
    "one_row": lambda s, i, j, k: s.pick(i)[k % s.pick(i).shape[0]].expand(4, s.pick(i).shape[1]),
    "flat": _pointwise(lambda v: v.reshape(v.shape[1], v.shape[0])),
    "detach": _pointwise(lambda v: v.detach()),
}
WRITES: dict[str, Step] = {
    "add_": _write(lambda v, u, k: v.add_(u, alpha=0.25)),
    "mul_": _write(lambda v, u, k: v.mul_(u.tanh())),
    "copy_": _write(lambda v, u, k: v.copy_(u.sin())),
    "tanh_": _write(lambda v, u, k: v.tanh_()),
    "fill_row": _write(lambda v, u, k: v[k % v.shape[0]].fill_(k + 0.25)),
    "set_row": _write(lambda v, u, k: v.__setitem__(k % v.shape[0], u[0] * 0.5)),
    "set_masked": _write(lambda v, u, k: v.masked_fill_(v > u, 0.75)),
    "swap_columns": _write(lambda v, u, k: v.copy_(v.flip(1))),
    "store": _store(lambda s, u, k: s.buffer.index_copy_(0, s.ids, u * 0.5)),
    "store_by_index": _store(lambda s, u, k: s.buffer.__setitem__(s.ids, u + 0.25)),
    "decay": _store(lambda s, u, k: s.buffer.mul_(0.5)),
    "out": _store(lambda s, u, k: torch.add(u, s.y, alpha=0.5, out=s.buffer[k % 3 : k % 3 + 4])),
}
READS: dict[str, Step] = {
    "item": lambda s, i, j, k: s.pick(i) * s.pick(j).sum().item(),
    "branch": lambda s, i, j, k: s.pick(i) if s.pick(j).mean() > 0 else None,
    "mask": lambda s, i, j, k: s.pick(i)[s.pick(i) > 0][None, :1].expand(2, -1),
    "nonzero": lambda s, i, j, k: s.pick(i).nonzero().float(),
    "tolist": lambda s, i, j, k: s.pick(i) + s.pick(j).tolist()[0][0],
}
STEPS = {**COMPUTES, **VIEWS, **WRITES, **READS}


def run(program: Sequence[Instruction], state: State, differentiate: bool = False) -> list[Tensor]:
    """Return the latest results of `program`, and their gradients by x and y if asked. It may also write to `state`."""
    state.kept = []
    leaves = [state.x.detach().requires_grad_(), state.y.detach().requires_grad_()] if differentiate else []
    state = replace(state, x=leaves[0], y=leaves[1]) if differentiate else state
    for name, i, j, k in program:
        result = STEPS[name](state, i, j, k)
        if result is not None:
            state.keep(result)
    summed = [result.sum() for result in state.kept if result.requires_grad]
    if not summed:
        return state.kept
    grads = torch.autograd.grad(torch.stack(summed).sum(), leaves, allow_unused=True)
    return state.kept + [grad for grad in grads if grad is not None]
