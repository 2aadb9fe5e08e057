"""One forward pass as several graphs, cut where a splitting op is called: piecewise graphs without a compiler.

The forward pass is walked through once, under capture. At each splitting op (attention) the capture ends, the call is
written down in its place, and the next capture begins in the same pool. What is kept is a list of things to call:
`[g0.replay, attention, g1.replay, attention, ..., gn.replay]`. A replay calls them in order, and attention runs as
plain Python each time: it looks at the forward context of *that* step and finds that step's metadata there. The tensors
it is called with are those of the walk, since the graphs around it write and read those addresses.

The walk runs no kernel, attention's neither: there is nothing to read yet but garbage, which must not get into a KV
cache. vLLM 0.33.0 (`compilation/breakable_cudagraph.py`, the source of the idea) runs it once, because its ops return
fresh tensors; a `splitting_op` writes into a tensor that it is given.

The tensors of the walk are not kept alive: their addresses belong to the pool, the next segment may reuse what the
model has dropped, and does so after attention has read it, in the order of the list.

Not modelled: Python that the model runs between its ops. It runs during the walk and never again, so a plain number
that it hands to attention stays what it was; what changes from step to step belongs into the forward context.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

from mini_lib.compilation.capturing import capture_stream, make_room
from mini_lib.compilation.wrapper import CUDAGraphOptions, CUDAGraphWrapper
from mini_lib.dispatch import CUDAGraphMode, split_by
from mini_lib.graphs.capture import Output, PoolHandle, pool_let_go
from mini_lib.graphs.errors import EMPTY_GRAPH_WARNING
from mini_lib.graphs.launches import note_graph_launch
from mini_lib.graphs.weak_refs import weak_ref


class SegmentedGraph(NamedTuple):
    """A recorded forward pass in segments: `steps` in order, and the `graphs` behind them.

    A segment without a kernel (two splitting ops in a row, one at the very end) is not launched, so it has no step. Its
    graph is kept all the same: memory that was allocated while it was recorded lives as long as the graph does.
    """

    steps: tuple[Callable[[], None], ...]
    graphs: tuple[Any, ...]
    num_segments: int

    @property
    def num_breaks(self) -> int:
        """How often the forward pass is cut: eager calls per replay."""
        return len(self.steps) - self.num_segments

    def replay(self) -> None:
        """Launch each segment and make each eager call between them, in the order of the forward pass."""
        for step in self.steps:
            step()


class BreakableCUDAGraphWrapper(CUDAGraphWrapper):
    """Calls `runnable` through graphs cut at its splitting ops, in batches of mode PIECEWISE.

    The same decisions as `CUDAGraphWrapper` takes, and the same silence about inputs. An entry's `graph` is a
    `SegmentedGraph`. `cuts` is asked with the arguments of each splitting op whether to cut there; where it says no,
    the op is captured like any other. None: cut everywhere.
    """

    def __init__(
        self,
        runnable: Callable[..., Output],
        *,
        device_module: ModuleType | None = None,
        pool: PoolHandle | None = None,
        options: CUDAGraphOptions | None = None,
        cuts: Callable[..., bool] | None = None,
    ) -> None:
        super().__init__(runnable, CUDAGraphMode.PIECEWISE, device_module=device_module, pool=pool, options=options)
        self._cuts = cuts

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[SegmentedGraph, Output]:
        make_room(self.device_module)
        walk = _Walk(self.device_module, self.pool, self._cuts)
        with (
            capture_stream(self.device_module),
            pool_let_go(self.device_module, self.pool),
            split_by(walk.cut),
        ):
            walk.begin_segment()
            try:
                output = self._call_runnable(args, kwargs)
            finally:
                walk.end_segment()
        return walk.recorded(), output

    def _replay(self, graph: SegmentedGraph) -> None:
        graph.replay()  # and each segment counts as one launch


class _Walk:
    """A forward pass while it is recorded: the segments so far, and the one under way."""

    def __init__(self, device_module: ModuleType, pool: PoolHandle, cuts: Callable[..., bool] | None) -> None:
        self.device_module, self.pool, self.cuts = device_module, pool, cuts
        self.steps: list[Callable[[], None]] = []
        self.graphs: list[Any] = []
        self.num_segments = 0
        self.under_way: Any = None

    def begin_segment(self) -> None:
        graph = self.device_module.CUDAGraph()
        graph.capture_begin(pool=self.pool)
        self.under_way = graph

    def end_segment(self) -> None:
        """End the segment under way. None is, if the pass failed between two of them."""
        graph = self.under_way
        if graph is None:
            return
        try:
            has_kernels = _end_capture(graph)
        finally:
            if not self.device_module.is_current_stream_capturing():
                self.under_way = None
        self.graphs.append(graph)
        if has_kernels:
            self.steps.append(partial(_launch, graph))
            self.num_segments += 1

    def cut(self, call: Callable[..., None], *args: Any) -> None:
        """Write `call` down between two segments, or capture it where no cut is wanted."""
        if self.cuts is not None and not self.cuts(*args):
            call(*args)
            return
        self.end_segment()
        self.steps.append(partial(call, *weak_ref(args)))
        self.begin_segment()

    def recorded(self) -> SegmentedGraph:
        if not self.steps:
            warnings.warn(EMPTY_GRAPH_WARNING, stacklevel=5)
        return SegmentedGraph(tuple(self.steps), tuple(self.graphs), self.num_segments)


def _end_capture(graph: Any) -> bool:
    """End the capture and tell whether it recorded a kernel. Only torch's warning says so on both devices."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        graph.capture_end()
    empty = [EMPTY_GRAPH_WARNING.split(".")[0] in str(warning.message) for warning in caught]
    for warning, is_empty in zip(caught, empty, strict=True):
        if not is_empty:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return not any(empty)


def _launch(graph: Any) -> None:
    graph.replay()
    note_graph_launch()
