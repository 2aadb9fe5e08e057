"""Splitting ops: the calls at which a model is cut when it is captured in pieces. Attention is the one that matters.

A function marked with `splitting_op` runs as usual, until somebody says `with split_by(handler)`: from then on the
handler gets the call in its place. Breakable capture is such a handler: it ends the segment, runs the call eagerly,
and begins the next one. The model does not know by whom it is cut, nor whether it is.

Such a function takes its arguments by position and returns nothing: it writes into tensors that it is given, because
the piece after it reads the address that was known at capture.

>>> @splitting_op
... def attention(out: list[int]) -> None:
...     out.append(1)
>>> out: list[int] = []
>>> with split_by(lambda call, *args: print("cut at", call.__name__)):
...     attention(out)
cut at attention
>>> out
[]
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

SplittingOp = Callable[..., None]
Handler = Callable[..., None]  # handler(call, *args)

_handler: ContextVar[Handler | None] = ContextVar("splitting_op_handler", default=None)


def splitting_op(call: SplittingOp) -> SplittingOp:
    """Mark `call` as a place where a model may be cut."""

    @functools.wraps(call)
    def may_be_cut(*args: Any) -> None:
        handler = _handler.get()
        if handler is None:
            call(*args)
        else:
            handler(call, *args)

    return may_be_cut


@contextmanager
def split_by(handler: Handler | None) -> Iterator[None]:
    """Hand every call of a splitting op to `handler` for the length of a `with`; None: run them as usual again."""
    before = _handler.set(handler)
    try:
        yield
    finally:
        _handler.reset(before)
