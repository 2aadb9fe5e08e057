"""The graphs of one runner: one per key, all in one memory pool.

Sharing is safe because the graphs never run at the same time, and cheap when the largest is recorded first: the others
then find all the blocks they need already there. Their static outputs stay apart, since the cache keeps them alive.

A key says everything that a graph must know about a batch, today its padded number of rows. The same key must be built
at capture and at look-up, or graphs are recorded and never used (vLLM issue 36165: half the speed, no error).

It does not choose keys and knows no padding.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from types import ModuleType

from torch import Tensor

from mini_lib.graphs.capture import CapturedGraph, Output, PoolHandle, capture
from mini_lib.graphs.device import get_device_module
from mini_lib.graphs.errors import CaptureError, FirstLine, NoGraphError


class GraphCache:
    """Captured graphs by key; look one up with `cache[key]`."""

    def __init__(self, device_module: ModuleType | None = None) -> None:
        self.device_module = device_module or get_device_module()
        self.pool: PoolHandle = self.device_module.graph_pool_handle()
        self._graphs: dict[Hashable, CapturedGraph] = {}

    def capture(self, key: Hashable, fn: Callable[..., Output], *inputs: Tensor, num_warmups: int = 1) -> CapturedGraph:
        """Record `fn(*inputs)` under `key` in the shared pool and return the graph.

        Raises:
            CaptureError: `key` already has a graph (a second one would cost memory and never be replayed),
                or `fn` does what a graph cannot record.
        """
        if key in self._graphs:
            raise CaptureError(
                FirstLine.ALREADY_CAPTURED, f"The key {key!r} has a graph. Graphs are recorded once, at start-up."
            )
        try:
            graph = capture(fn, *inputs, device_module=self.device_module, num_warmups=num_warmups, pool=self.pool)
        except BaseException:
            self.pool = self.device_module.graph_pool_handle()  # see pool_let_go
            raise
        self._graphs[key] = graph
        return graph

    def __getitem__(self, key: Hashable) -> CapturedGraph:
        """Return the graph of `key`, or raise `NoGraphError` that names the keys there are."""
        if key not in self._graphs:
            keys = ", ".join(map(repr, self._graphs)) or "none at all"
            raise NoGraphError(
                f"No graph was captured for the key {key!r}.",
                f"There are graphs for: {keys}. Build the key at capture and at look-up by the same function.",
            )
        return self._graphs[key]

    def __contains__(self, key: Hashable) -> bool:
        return key in self._graphs

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._graphs)

    def __len__(self) -> int:
        return len(self._graphs)
