"""Whether a capture may begin now, and the stream that it begins on: what all wrappers here do before they record.

An engine captures at start-up and forbids it afterwards: a capture in the middle of serving stalls every request and
takes memory that the KV cache has been promised. So a key that nobody captured is an error there, not a slow step.

Not modelled: capture by several threads at once, which CUDA refuses.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import torch

from mini_lib.graphs.capture import side_stream
from mini_lib.graphs.device import device_of
from mini_lib.graphs.errors import CaptureError

INAPPROPRIATE = "CUDA graph capturing detected at an inappropriate time. This operation is currently disabled."

_enabled: ContextVar[bool] = ContextVar("cudagraph_capturing_enabled", default=True)


class set_cudagraph_capturing_enabled:
    """Allow or forbid captures by wrappers: from now on, or for the length of a `with`, as `torch.set_grad_enabled`.

    >>> with set_cudagraph_capturing_enabled(False):
    ...     check_capturing_enabled("key 8")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mini_lib.graphs.errors.CaptureError: CUDA graph capturing detected at an inappropriate time. ...
    """

    def __init__(self, enabled: bool) -> None:
        self._before = _enabled.set(enabled)

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        _enabled.reset(self._before)


def check_capturing_enabled(what: str) -> None:
    """Raise `CaptureError` (first line as in vLLM 0.33.0) where captures are forbidden."""
    if not _enabled.get():
        raise CaptureError(
            INAPPROPRIATE,
            f"There is no graph for {what}, and captures were forbidden when start-up ended. Capture this key at "
            "start-up, dispatch the batch to another one, or run it in mode NONE.",
        )


@contextmanager
def capture_stream(device_module: ModuleType) -> Iterator[Any]:
    """Make a stream current that can be captured, and put back the caller's afterwards, also after an error.

    That is the caller's own stream, so that a graph is recorded where it will be replayed; only the default stream
    cannot be captured, and in its place comes torch's side stream for captures.
    """
    stream = device_module.current_stream()
    if stream == device_module.default_stream():
        stream = device_module.graph(device_module.CUDAGraph()).capture_stream
    with side_stream(device_module, stream):
        yield stream


def make_room(device_module: ModuleType) -> None:
    """Wait for the device and give cached memory back, as `torch.cuda.graph` does before it records (torch 2.13)."""
    device_module.synchronize()
    if device_of(device_module).type == "cuda":
        device_module.empty_cache()


@contextmanager
def no_garbage_collection(wanted: bool) -> Iterator[None]:
    """Make `gc.collect` and `torch.cuda.empty_cache` do nothing for the length of a `with`, if `wanted`.

    A model of forty layers is captured in 41 pieces per size, and older torches collect before each: 5 s per size
    instead of half a second (vLLM pull request 10059).
    """
    kept = (gc.collect, torch.cuda.empty_cache)
    if wanted:
        _put(lambda *args, **kwargs: 0, lambda: None)
    try:
        yield
    finally:
        _put(*kept)


def _put(collect: Callable[..., int], empty_cache: Callable[[], None]) -> None:
    gc.collect = collect
    torch.cuda.empty_cache = empty_cache
