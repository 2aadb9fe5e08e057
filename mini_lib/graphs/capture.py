"""One call of a function, recorded as a CUDA graph.

`capture` runs the function a few times on a side stream (a first call compiles kernels, picks algorithms and allocates
workspaces, none of which may happen while a graph is recorded), then records one more call. Recording runs no kernel.
The graph keeps addresses: the inputs of the recorded call are from then on its static inputs.

It does not pad, choose between graphs or undo what `fn` itself writes while it warms up: that is `GraphRunner`'s care.

>>> double = capture(lambda x: x * 2, torch.zeros(3, device=device_of(get_device_module())))
>>> double.replay(torch.tensor([1.0, 2.0, 3.0])).tolist()
[2.0, 4.0, 6.0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from mini_lib.graphs.device import device_of, get_device_module
from mini_lib.graphs.errors import StaleInputError
from mini_lib.graphs.launches import note_graph_launch

Output = Any  # a tensor, or a (nested) tuple, list or dict of tensors
PoolHandle = Any  # what graph_pool_handle() returns: opaque on both devices


@dataclass(frozen=True)
class CapturedGraph:
    """A recorded call: its graph, its static inputs, its static output and the pool its memory comes from.

    Until the first replay `output` holds garbage: recording runs nothing. (NaN on the CPU twin, on a GPU whatever lay
    in that memory.)
    """

    graph: Any
    inputs: tuple[Tensor, ...]
    output: Output
    pool: PoolHandle
    addresses: tuple[int, ...]

    def replay(self, *inputs: Tensor) -> Output:
        """Copy `inputs` into the static inputs, launch all kernels at once, and return the static output.

        With no arguments the static inputs are read as they stand. The next replay overwrites what is returned here:
        `clone()` what you want to keep.

        Raises:
            ValueError, TypeError: another number of inputs, shape or dtype than the recorded ones.
            StaleInputError: a static input was moved since capture (`x.data = ...`, `x.set_(...)`, `resize_`).
        """
        self._check_addresses()
        if inputs:
            self._copy_in(inputs)
        self.graph.replay()
        note_graph_launch()
        return self.output

    def _copy_in(self, inputs: tuple[Tensor, ...]) -> None:
        if len(inputs) != len(self.inputs):
            raise TypeError(f"The recorded call had {len(self.inputs)} inputs, this replay brings {len(inputs)}.")
        for index, (static, value) in enumerate(zip(self.inputs, inputs, strict=True)):
            _check_fits(index, static, value)
        for static, value in zip(self.inputs, inputs, strict=True):
            static.copy_(value)

    def _check_addresses(self) -> None:
        for index, (static, address) in enumerate(zip(self.inputs, self.addresses, strict=True)):
            if static.data_ptr() != address:
                raise StaleInputError(
                    f"Input {index} is not where it was: {address:#x} at capture, {static.data_ptr():#x} now.",
                    "The graph reads the old address for ever. Copy new values into the tensor (`x.copy_(new)`) "
                    "instead of giving it other memory.",
                )


def capture(
    fn: Callable[..., Output],
    *inputs: Tensor,
    device_module: ModuleType | None = None,
    num_warmups: int = 1,
    pool: PoolHandle | None = None,
) -> CapturedGraph:
    """Warm `fn` up, then record one call of it on `inputs`, which become the graph's static inputs.

    The warm-up runs are real: what `fn` writes in place (a KV cache, its own inputs) is written. The random state is
    put back afterwards. `pool` shares memory with earlier graphs: give the handle to all graphs that never run at the
    same time. `device_module` is `torch.cuda` or the twin; None takes what this machine has.

    Raises:
        CaptureError (on CUDA torch.AcceleratorError): `fn` reads a value back to the CPU, makes a shape that depends
            on data, synchronizes, or starts another capture.
    """
    device_module = device_module or get_device_module()
    graph = device_module.CUDAGraph()
    pool = device_module.graph_pool_handle() if pool is None else pool
    recording = device_module.graph(graph, pool=pool)
    with side_stream(device_module, recording.capture_stream):
        with _random_state_kept(device_module):
            for _ in range(num_warmups):
                fn(*inputs)
        with pool_let_go(device_module, pool), recording:
            output = fn(*inputs)
    return CapturedGraph(graph, inputs, output, graph.pool(), tuple(tensor.data_ptr() for tensor in inputs))


@contextmanager
def side_stream(device_module: ModuleType, side: Any) -> Iterator[None]:
    """Run the body on stream `side`, after what the caller's stream holds and before what comes to it next.

    Warm-up runs on the very stream that is captured, since cuBLAS keeps a workspace per stream. It also brings the
    caller's stream back when capture fails: torch (2.13, `torch.cuda.graph.__exit__`) raises before it leaves its own.
    """
    callers = device_module.current_stream()
    side.wait_stream(callers)
    with device_module.stream(side):
        yield
    callers.wait_stream(side)


@contextmanager
def pool_let_go(device_module: ModuleType, pool: PoolHandle) -> Iterator[None]:
    """Let go of `pool` where the body, a capture into it, is refused. Use another pool from then on.

    Up to torch 2.11 the allocators of device and pinned memory are not told that a refused capture is over (mended by
    pytorch pull request 180395). The one keeps asking the dead graph whether memory is for it, until it is told here;
    the other, which nobody can tell, refuses the pool: "beginAllocateToPool: already recording to mempool_id".
    """
    try:
        yield
    except BaseException:
        end_allocation = getattr(torch._C, "_cuda_endAllocateToPool", None)  # private: it may go
        if end_allocation is not None and device_of(device_module).type == "cuda":
            with suppress(RuntimeError):  # torch has let go of it already, or never took it
                end_allocation(device_module.current_device(), pool)
        raise


@contextmanager
def _random_state_kept(device_module: ModuleType) -> Iterator[None]:
    """Put torch's random state, on the CPU and on the device, back to what it was."""
    on_gpu = device_of(device_module).type == "cuda"
    with torch.random.fork_rng(devices=[device_module.current_device()] if on_gpu else []):
        yield


def first_rows(output: Output, num_rows: int) -> Output:
    """Return `output` with every tensor in it cut to its first `num_rows` rows (views, no copies)."""
    if isinstance(output, Tensor):
        return output[:num_rows]
    if isinstance(output, dict):
        return {key: first_rows(value, num_rows) for key, value in output.items()}
    if isinstance(output, (tuple, list)):
        rows = [first_rows(value, num_rows) for value in output]
        return output._make(rows) if hasattr(output, "_make") else type(output)(rows)  # a named tuple has _make
    raise TypeError(f"A captured function returns tensors, or tuples, lists or dicts of them, not {type(output)}.")


def check_rows(output: Output, num_rows: int) -> None:
    """Raise `ValueError` unless every tensor in `output` has `num_rows` rows, so that padding can be cut off."""
    for tensor in _tensors(output):
        if tensor.dim() == 0 or tensor.shape[0] != num_rows:
            raise ValueError(
                f"The function returned a tensor of shape {tuple(tensor.shape)} for {num_rows} rows. The padded rows "
                "are cut off the result, so every result needs one row per input row; a sum or mean over rows would "
                "count the padding."
            )


def _tensors(output: Output) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    else:
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)


def _check_fits(index: int, static: Tensor, value: Tensor) -> None:
    if value.shape != static.shape:
        raise ValueError(
            f"input {index} has shape {tuple(value.shape)}, but the graph was recorded for {tuple(static.shape)}: its "
            "shapes are fixed. Pad the batch, or record a graph for this size (GraphRunner does both)."
        )
    if value.dtype != static.dtype:
        raise TypeError(f"input {index} is {value.dtype}, but the graph was recorded for {static.dtype}.")
