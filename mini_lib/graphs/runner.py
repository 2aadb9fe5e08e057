"""Runs batches of any size through graphs of a few sizes: pad, copy in, replay, slice.

A graph replays exactly the rows it was recorded for. So a batch of 5 is padded to the graph for 8 with harmless rows,
copied into the static inputs, replayed, and the first 5 rows of the static output are handed back. A batch above the
largest size runs eagerly, unpadded. `dispatch.CaptureSizes` chooses the graph, `GraphCache` owns the graphs,
`InputBuffers` holds the static inputs; none of the three knows the others, and this is the one place that joins them.

Modelled on `CudaGraphRunner` (SGLang 0.5.9) and `capture_cudagraph` of nano-vLLM. Left out: attention metadata that
is planned anew per step, keys beyond the number of rows, and several devices that must agree on a size.

>>> from mini_lib.graphs import BufferSpec, InputBuffers, device_of, get_device_module
>>> buffers = InputBuffers(4, {"x": BufferSpec(torch.float32)}, device_of(get_device_module()))
>>> runner = GraphRunner(lambda x: x + 1, buffers, capture_sizes=[1, 2, 4])
>>> runner.capture()
>>> runner(x=torch.tensor([1.0, 2.0, 3.0])).tolist(), runner.stats.replays
([2.0, 3.0, 4.0], {4: 1})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from mini_lib.dispatch import CaptureSizes, Ladder
from mini_lib.dispatch.capture_sizes import as_ladder
from mini_lib.graphs.buffers import InputBuffers
from mini_lib.graphs.cache import GraphCache
from mini_lib.graphs.capture import Output, check_rows, first_rows
from mini_lib.graphs.device import device_of, get_device_module
from mini_lib.graphs.errors import CaptureError, FirstLine, NoGraphError
from mini_lib.graphs.progress import progress_bar


@dataclass(frozen=True)
class RunnerStats:
    """What a runner did so far: replays by captured size, eager calls, and rows computed for nobody."""

    replays: dict[int, int]
    eager_calls: int
    padded_rows: int

    @property
    def hit_rate(self) -> float:
        """The share of calls that a graph served, between 0 and 1; 0 before the first call."""
        hits = sum(self.replays.values())
        return hits / (hits + self.eager_calls) if hits + self.eager_calls else 0.0


class GraphRunner:
    """Calls `fn(**inputs)` for batches of any size, through graphs where one fits.

    `fn` takes the static views by name and returns a tensor, or tuples, lists or dicts of tensors, with one row per
    input row; it runs without gradients. Call `capture()` once at start-up, then the runner itself.

    Args:
        fn: the function to run, called as `fn(**buffers.views(size))`.
        buffers: the static inputs; rows beyond a batch hold their padding.
        capture_sizes: a `CaptureSizes`, any other `Ladder`, or plain numbers. Empty means: everything runs eagerly.
        device_module: `torch.cuda` or the CPU twin; None takes what this machine has.
        enforce_eager: record nothing and run everything eagerly (the switch of the same name in vLLM).
        num_warmups: eager runs before each capture.
    """

    def __init__(
        self,
        fn: Callable[..., Output],
        buffers: InputBuffers,
        capture_sizes: Ladder | Iterable[int],
        *,
        device_module: ModuleType | None = None,
        enforce_eager: bool = False,
        num_warmups: int = 1,
    ) -> None:
        self.fn = fn
        self.buffers = buffers
        self.device_module = device_module or get_device_module()
        self.num_warmups = num_warmups
        self.capture_sizes = CaptureSizes([]) if enforce_eager else as_ladder(capture_sizes)
        self.graphs = GraphCache(self.device_module)
        self._replays: Counter[int] = Counter()
        self._eager_calls = 0
        self._padded_rows = 0
        self._check_fits_together()

    def capture(self, progress: bool = True) -> None:
        """Record one graph per size, the largest first, and leave everything else as it was.

        Warm-up and capture see padding only, so `fn` writes where padding writes (slot -1 or the null slot). The
        contents of the static inputs and the random state are put back. A bar shows on stdout after two seconds,
        on a terminal or in a notebook, unless `progress` is False.

        Raises:
            CaptureError: `fn` cannot be recorded, or the graphs were recorded before.
            ValueError: a result of `fn` has not one row per input row.
        """
        if len(self.graphs):
            raise CaptureError(FirstLine.ALREADY_CAPTURED, "A runner records its graphs once, at start-up.")
        graphs = GraphCache(self.device_module)
        largest_first = sorted(self.capture_sizes, reverse=True)  # small graphs then reuse the large one's memory
        with self.buffers.only_padding(), torch.no_grad():
            for size in progress_bar(largest_first, "Capturing graphs", wanted=progress):
                self._capture_one(graphs, size)
        self.graphs = graphs  # only now: a failed capture leaves a runner without graphs, not with half of them

    def __call__(self, **inputs: Tensor) -> Output:
        """Run one batch and return its results: row i belongs to row i of the inputs.

        The result of a replay is a view of the graph's static output: the next call may overwrite it, so `clone()`
        what you want to keep.

        Raises:
            NoGraphError: there are sizes to record and `capture()` was not called yet.
            ValueError, TypeError, StaleInputError: see `InputBuffers.copy_in`.
        """
        num_rows = self.buffers.num_rows(**inputs)
        size = self.size_for(num_rows)
        if size is None:
            return self.run_eagerly(**inputs)
        output = self._replay(size, inputs)
        self._replays[size] += 1
        self._padded_rows += size - num_rows
        return first_rows(output, num_rows)

    def run_eagerly(self, **inputs: Tensor) -> Output:
        """Run one batch without a graph and without padding, whatever its size.

        For the batches that no graph was recorded for: a prefill may have as few rows as a decode and is none.
        """
        num_rows = self.buffers.num_rows(**inputs)
        views = self.buffers.copy_in(num_rows, **inputs)
        self._eager_calls += 1
        with torch.no_grad():
            return self.fn(**views)

    def size_for(self, num_rows: int) -> int | None:
        """Return the captured size that a batch of `num_rows` rides in, or None when it runs eagerly."""
        return self.capture_sizes.pad(num_rows)

    @property
    def stats(self) -> RunnerStats:
        """What happened since the runner was made, as a snapshot."""
        return RunnerStats(dict(self._replays), self._eager_calls, self._padded_rows)

    def _capture_one(self, graphs: GraphCache, size: int) -> None:
        call = partial(self.fn, **self.buffers.views(size))
        graph = graphs.capture(size, call, num_warmups=self.num_warmups)
        check_rows(graph.output, size)

    def _replay(self, size: int, inputs: dict[str, Tensor]) -> Output:
        if not len(self.graphs):
            raise NoGraphError(
                FirstLine.REPLAY_TOO_EARLY,
                f"This batch wants the graph for {size} rows, and none is recorded yet: call runner.capture() once, "
                "at start-up. Recording in the middle of serving would stall every request.",
            )
        self.buffers.copy_in(size, **inputs)
        return self.graphs[size].replay()

    def _check_fits_together(self) -> None:
        wanted, has = device_of(self.device_module).type, self.buffers.device.type
        if wanted != has:
            raise ValueError(
                f"The static inputs lie on {has!r} but {self.device_module.__name__} records on {wanted!r}: "
                "build InputBuffers on device_of(device_module)."
            )
        largest = max(self.capture_sizes, default=0)
        if largest > self.buffers.max_rows:
            raise ValueError(
                f"The largest capture size is {largest}, but the static inputs hold {self.buffers.max_rows} rows: "
                f"build InputBuffers with max_rows of at least {largest}."
            )
