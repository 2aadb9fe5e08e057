"""A plain list of functions, captured between those that cannot be: piecewise graphs at their smallest.

Each op takes one tensor and returns one. Ops in a row that can be captured become one piece, one graph per shape of its
input; the others run eagerly, each time, as Python. What goes into a graph is copied to its static input, because the
eager op before it returns a new tensor at a new address every time.

Recording runs no op. So what an uncapturable op will return is not known then: `capture` takes it to have the shape and
dtype of its input, as attention's output does. Where that is wrong, the graph behind it is recorded in the first call
that shows the shape.

Not modelled: ops with several inputs or outputs, weights that change place, a limit on the number of graphs.

>>> ops = [torch.neg, lambda x: x + 1, lambda x: x * x.sum().item(), torch.neg]
>>> runner = PiecewiseGraphRunner(ops, uncapturable=lambda op: op is ops[2])
>>> x = torch.tensor([2.0, 3.0], device=device_of(get_device_module()))
>>> runner.capture(x)
>>> runner(x).tolist(), runner.num_graphs, runner.last_call
([-3.0, -6.0], 2, PiecewiseCall(graph_launches=2, eager_ops=1))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from mini_lib.graphs.cache import GraphCache
from mini_lib.graphs.capture import CapturedGraph
from mini_lib.graphs.device import device_of, get_device_module

Op = Callable[[Tensor], Tensor]


class Piece(NamedTuple):
    """Ops in a row that are captured together, or one or more that run eagerly."""

    ops: tuple[Op, ...]
    is_captured: bool

    def run(self, x: Tensor) -> Tensor:
        """Run the ops one after the other, launching each kernel."""
        for op in self.ops:
            x = op(x)
        return x


class PiecewiseCall(NamedTuple):
    """What one call launched: graphs replayed, and ops run one by one."""

    graph_launches: int
    eager_ops: int


class PiecewiseGraphRunner:
    """Runs `ops` one after the other, through graphs where that is possible.

    Args:
        ops: functions of one tensor that return one tensor.
        uncapturable: tells of an op that it cannot be in a graph: it reads a value back, or its launches depend on
            what changes from call to call.
        device_module: `torch.cuda` or the CPU twin; None takes what this machine has.
        num_warmups: eager runs of a piece before it is recorded, on zeros. None by default, so that recording runs
            nothing; on a GPU whose libraries nothing has used yet, take 1.

    `pieces` are the ops, grouped; `last_call` says what the last call launched, None before the first.
    """

    def __init__(
        self,
        ops: Sequence[Op],
        uncapturable: Callable[[Op], bool],
        *,
        device_module: ModuleType | None = None,
        num_warmups: int = 0,
    ) -> None:
        self.device_module = device_module or get_device_module()
        self.num_warmups = num_warmups
        self.pieces = _cut(ops, uncapturable)
        self.last_call: PiecewiseCall | None = None
        self._graphs = GraphCache(self.device_module)

    @property
    def num_graphs(self) -> int:
        """Graphs recorded so far: one per captured piece and shape."""
        return len(self._graphs)

    @torch.no_grad()
    def capture(self, x: Tensor) -> None:
        """Record the graphs for inputs like `x`. No op is run, and `x` is only asked for its shape and dtype.

        Raises:
            CaptureError (on CUDA torch.AcceleratorError): an op that is not called uncapturable is.
        """
        for index, piece in enumerate(self.pieces):
            if piece.is_captured:
                x = self._graph_for(index, x).output

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """Run all ops on `x`; a shape that was not captured is captured on the way.

        Where the last piece is a graph, the next call overwrites what is returned here: `clone()` what you want to
        keep.
        """
        graph_launches = eager_ops = 0
        for index, piece in enumerate(self.pieces):
            if piece.is_captured:
                x = self._graph_for(index, x).replay(x)
                graph_launches += 1
            else:
                x = piece.run(x)
                eager_ops += len(piece.ops)
        self.last_call = PiecewiseCall(graph_launches, eager_ops)
        return x

    def _graph_for(self, index: int, x: Tensor) -> CapturedGraph:
        """Return the graph of piece `index` for inputs like `x`, after recording it where there is none."""
        key: Hashable = (index, tuple(x.shape), x.dtype)
        if key in self._graphs:
            return self._graphs[key]
        static = torch.zeros(x.shape, dtype=x.dtype, device=device_of(self.device_module))
        return self._graphs.capture(key, self.pieces[index].run, static, num_warmups=self.num_warmups)


def _cut(ops: Iterable[Op], uncapturable: Callable[[Op], bool]) -> tuple[Piece, ...]:
    """Group ops in a row of the same kind, in the order of the list."""
    grouped = itertools.groupby(ops, key=lambda op: not uncapturable(op))
    return tuple(Piece(tuple(group), is_captured) for is_captured, group in grouped)
