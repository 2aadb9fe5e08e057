"""Registers a Python function as a kernel of its own, so that a recorder, Dynamo or a graph sees one node and not ten.

Whoever looks from below (a recording dispatch mode, an FX graph) sees `mini_lib::rms_norm` and not what it is made of,
as with a fused kernel. `mutates` names the arguments that it writes, in its schema; `fake` says which shape comes out
when there is no data. Registered through a `Library`, as vLLM 0.33.0 does, since `torch.library.custom_op` takes
several times as long per call (an empty op: 7 to 11 us against 1, torch 2.13 on one CPU core).

`kernel` names the module of `mini_lib.model.kernels` in which a function of the op's name does the same for CUDA
tensors. It is imported when the first of them arrives; where it cannot run, the body does, as the handful of kernels
that its torch ops are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

from mini_lib.model.kernels import kernel_or_body

Body = TypeVar("Body", bound=Callable[..., Any])

_LIBRARY = torch.library.Library("mini_lib", "FRAGMENT")


def custom_op(
    *, mutates: tuple[str, ...] = (), fake: Callable[..., Any] | None = None, name: str = "", kernel: str = ""
) -> Callable[[Body], Body]:
    """Return a decorator that registers `body` as `torch.ops.mini_lib.<name>` and calls it through the dispatcher.

    `mutates` names the tensor arguments that the body writes. `fake` returns empty tensors of the right shapes and
    dtypes; without it the op returns nothing. The body may not return one of its arguments. `kernel`: the module that
    CUDA tensors go to.
    """

    def register(body: Body) -> Body:
        op_name = name or body.__name__
        _LIBRARY.define(op_name + torch.library.infer_schema(body, mutates_args=mutates))
        _LIBRARY.impl(op_name, body, "CompositeExplicitAutograd")
        if kernel:
            _LIBRARY.impl(op_name, kernel_or_body(kernel, op_name, body), "CUDA")
        torch.library.register_fake(f"mini_lib::{op_name}", fake or _nothing, lib=_LIBRARY)
        op = getattr(torch.ops.mini_lib, op_name).default

        @functools.wraps(body)
        def call(*args: Any) -> Any:
            return op(*args)

        return cast(Body, call)

    return register


def _nothing(*args: object) -> None:
    """Return what an op returns that only writes into its arguments."""
