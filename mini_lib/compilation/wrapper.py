"""A callable that becomes graphs: recorded at the first call of a key, replayed at each later one.

Whoever runs a batch says in the forward context which mode it runs in and which key it has. The wrapper asks, in this
order (vLLM 0.33.0, `compilation/cuda_graph.py`):

1. No forward context, or another runtime mode than mine? Call the runnable, as if I were not here. So a wrapper of mode
   FULL around a model and wrappers of mode PIECEWISE inside it never record at the same time.
2. Make the entry of this key, if there is none. Only then: may captures begin now?
3. No graph in it yet? Record one. The call that records runs no kernel: what it returns is garbage.
4. Replay, and return the recorded output, which the next replay in this pool overwrites.

What it does *not* do: it copies no input in (call it with the same static tensors each time), checks no shape and no
address (another tensor is silently ignored, and the old address read), pads nothing and warms nothing up.

>>> import torch
>>> from mini_lib.dispatch import set_forward_context
>>> from mini_lib.graphs import device_of
>>> x = torch.zeros(2, device=device_of(get_device_module()))
>>> double = CUDAGraphWrapper(lambda x: x * 2, CUDAGraphMode.FULL)
>>> with set_forward_context(CUDAGraphMode.FULL, BatchDescriptor(2)):
...     garbage = double(x)          # records
...     _ = x.fill_(21.0)
...     double(x).tolist()           # replays
[42.0, 42.0]

Not modelled: offloading of weights, several devices, an own copy of the inputs (`cudagraph_copy_inputs`).
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from torch import Tensor

from mini_lib.compilation.capturing import capture_stream, check_capturing_enabled, no_garbage_collection
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, get_forward_context
from mini_lib.graphs.capture import Output, PoolHandle, pool_let_go
from mini_lib.graphs.device import get_device_module
from mini_lib.graphs.errors import StaleInputError
from mini_lib.graphs.launches import note_graph_launch
from mini_lib.graphs.weak_refs import weak_ref


class CUDAGraphOptions(NamedTuple):
    """How a wrapper records; an engine that cuts a model into pieces chooses them per piece.

    `gc_disable`: no garbage collection before the capture (all pieces but the first). `weak_ref_output`: let go of the
    output while the capture is still under way, so that its memory is reused (the last piece alone: nothing in the
    graphs reads it). `check_addresses`: at each replay compare the addresses of tensor arguments with those recorded.
    """

    gc_disable: bool = False
    weak_ref_output: bool = False
    check_addresses: bool = False


class CUDAGraphEntry(NamedTuple):
    """A recorded call: what to replay, its output (not kept alive), and where its tensor arguments were."""

    graph: Any
    output: Output
    addresses: dict[int | str, int]


class CUDAGraphWrapper:
    """Calls `runnable` through one graph per `BatchDescriptor`, in batches of mode `runtime_mode`.

    Args:
        runnable: takes tensors, returns a tensor or tuples, lists, dicts of them.
        runtime_mode: FULL or PIECEWISE. In a batch of any other mode the wrapper is not there.
        device_module: `torch.cuda` or the CPU twin; None takes what this machine has.
        pool: the memory that the graphs share with others that never run at the same time; None: one of its own. After
            a refused capture the wrapper goes on in a new one.
        options: see `CUDAGraphOptions`; None: all of them off.

    `entries` maps each key to its entry, None where a capture was begun and refused.

    Raises:
        ValueError: a `runtime_mode` that is no mode of a batch, or NONE.
    """

    def __init__(
        self,
        runnable: Callable[..., Output],
        runtime_mode: CUDAGraphMode,
        *,
        device_module: ModuleType | None = None,
        pool: PoolHandle | None = None,
        options: CUDAGraphOptions | None = None,
    ) -> None:
        if runtime_mode not in (CUDAGraphMode.FULL, CUDAGraphMode.PIECEWISE):
            raise ValueError(f"A wrapper replays batches of mode FULL or PIECEWISE, and none runs {runtime_mode.name}.")
        self.runnable, self.runtime_mode = runnable, runtime_mode
        self.options = options or CUDAGraphOptions()
        self.device_module = device_module or get_device_module()
        self.pool: PoolHandle = self.device_module.graph_pool_handle() if pool is None else pool
        self.entries: dict[BatchDescriptor, CUDAGraphEntry | None] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Output:
        """Run, record or replay, as the module's docstring says.

        Raises:
            CaptureError: captures are forbidden now, or the runnable does what a graph cannot record.
            StaleInputError: with `check_addresses`, a tensor argument is not the one that was recorded.
        """
        context = get_forward_context()
        if context is None or context.cudagraph_runtime_mode is not self.runtime_mode:
            return self.runnable(*args, **kwargs)
        key = context.batch_descriptor
        assert key is not None, "set_forward_context lets no mode with graphs through without a key"
        entry = self.entries.setdefault(key, None)
        if entry is None:
            return self._capture(key, args, kwargs)
        if self.options.check_addresses:
            _check_addresses(key, entry.addresses, _addresses(args, kwargs))
        self._replay(entry.graph)
        return entry.output

    def clear_graphs(self) -> None:
        """Forget all graphs. The next call of a key records it anew, where captures are allowed."""
        self.entries.clear()

    def _capture(self, key: BatchDescriptor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Output:
        check_capturing_enabled(f"{key} in mode {self.runtime_mode.name}")
        with no_garbage_collection(self.options.gc_disable):
            try:
                graph, output = self._record(args, kwargs)
            except BaseException:
                self.pool = self.device_module.graph_pool_handle()  # see pool_let_go
                raise
        self.entries[key] = CUDAGraphEntry(graph, weak_ref(output), _addresses(args, kwargs))
        return output

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Output]:
        """Record one call, and return what replays it and what it handed back."""
        graph = self.device_module.CUDAGraph()
        with capture_stream(self.device_module) as stream, pool_let_go(self.device_module, self.pool):
            with self.device_module.graph(graph, pool=self.pool, stream=stream):
                output = self._call_runnable(args, kwargs)
        return graph, output

    def _call_runnable(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Output:
        output = self.runnable(*args, **kwargs)
        return weak_ref(output) if self.options.weak_ref_output else output

    def _replay(self, graph: Any) -> None:
        graph.replay()
        note_graph_launch()


def _addresses(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int | str, int]:
    """Return the address of each tensor argument by its place or name. (vLLM's wrapper looks at places alone.)"""
    named: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    return {name: value.data_ptr() for name, value in named if isinstance(value, Tensor)}


def _check_addresses(key: BatchDescriptor, then: dict[int | str, int], now: dict[int | str, int]) -> None:
    moved = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if moved:
        where = ", ".join(f"{name}: {then.get(name, 0):#x} at capture, {now.get(name, 0):#x} now" for name in moved)
        raise StaleInputError(
            f"Arguments of the graph for {key} are not where they were ({where}).",
            "The graph reads the old addresses for ever, and the wrapper copies nothing in. Keep one static tensor per "
            "input and copy each batch into it: InputBuffers does.",
        )
