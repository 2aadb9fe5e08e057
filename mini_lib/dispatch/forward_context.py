"""What a forward pass may know beside its arguments: how it runs, the key of its graph, and attention's metadata.

A model is called as `model(input_ids, positions)`; whoever captures or replays it, and the attention inside it, look
here. It is a `with` that puts back what was, so a forward pass inside another one (a warm-up inside a capture) is safe.

It is read while a kernel is *launched*. A graph keeps what was read at capture: a number that changes from step to
step must reach a captured kernel as a tensor with a fixed address, never through this context.

>>> with set_forward_context(CUDAGraphMode.FULL, BatchDescriptor(8)):
...     get_forward_context().batch_descriptor.num_tokens
8
>>> get_forward_context() is None
True
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mini_lib.dispatch.modes import BatchDescriptor, CUDAGraphMode


@dataclass(frozen=True)
class ForwardContext:
    """How the forward pass under way runs. `attn_metadata` belongs to the attention layers; nobody else looks in."""

    cudagraph_runtime_mode: CUDAGraphMode = CUDAGraphMode.NONE
    batch_descriptor: BatchDescriptor | None = None
    attn_metadata: Any = None


_current: ContextVar[ForwardContext | None] = ContextVar("forward_context", default=None)


def get_forward_context() -> ForwardContext | None:
    """Return the context of the forward pass under way, None outside of one."""
    return _current.get()


@contextmanager
def set_forward_context(
    cudagraph_runtime_mode: CUDAGraphMode = CUDAGraphMode.NONE,
    batch_descriptor: BatchDescriptor | None = None,
    attn_metadata: Any = None,
) -> Iterator[ForwardContext]:
    """Set the context for the length of a `with`, then put back what was.

    Raises:
        ValueError: the mode is a pair, or it wants a graph and there is no descriptor to find one by.
    """
    if not cudagraph_runtime_mode.is_valid_runtime_mode():
        raise ValueError(f"{cudagraph_runtime_mode.name} is a policy. A dispatcher turns it into a mode of one batch.")
    if cudagraph_runtime_mode and batch_descriptor is None:
        raise ValueError(f"{cudagraph_runtime_mode.name} replays a graph, and a graph is found by a batch_descriptor.")
    context = ForwardContext(cudagraph_runtime_mode, batch_descriptor, attn_metadata)
    before = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(before)
