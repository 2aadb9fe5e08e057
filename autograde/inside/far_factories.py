"""While a call of the tester runs that came with a device or a tensor, factories give tensors of the tester's.

`torch.full`, `torch.arange` and their like run there at once. `torch.tensor([1, 2])` is a copy to the device, and
`torch.tensor([x[0], x[1]])` reads both, as it does on a GPU. Random numbers are drawn here, from the student's own
generator, and copied. On the device "meta" nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from autograde.inside.far_tensors import FarDevice, FarTensor, leaves


@contextmanager
def on_the_device(home: FarDevice) -> Iterator[None]:
    """Make tensors of the tester's in the block."""
    with _Parts(), _Factories(home):
        yield


class _Factories(TorchDispatchMode):
    """Sends to the tester what makes a tensor, and what works on one of the tester's."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say no: nothing is compiled here, and torch would import its compiler for it, which takes a second."""
        return False

    def __init__(self, home: FarDevice) -> None:
        super().__init__()
        self._home = home

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if any(isinstance(tensor, FarTensor) for tensor in tensors):
            return self._home.run(func, args, kwargs)
        if str(kwargs.get("device") or "cpu") != "cpu" or any(not tensor.is_cpu for tensor in tensors):
            return func(*args, **kwargs)
        if torch.Tag.nondeterministic_seeded in func.tags:
            made = func(*args, **kwargs)
            return made if tensors else self._home.copy_of(made)
        if func is torch.ops.aten.lift_fresh.default:  # the end of `torch.tensor([1, 2])`
            return self._home.copy_of(tensors[0])
        return func(*args, **kwargs) if tensors else self._home.run(func, args, kwargs)


class _Parts(TorchFunctionMode):
    """Reads the tensors that a new tensor is put together from: torch itself would look for them in memory."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.tensor, torch.as_tensor) and args and isinstance(args[0], list | tuple):
            args = (_numbers(args[0]), *args[1:])
        return func(*args, **(kwargs or {}))


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return value.item() if isinstance(value, FarTensor) else value
