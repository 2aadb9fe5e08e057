"""Notice when code makes the CPU wait for a value of the device, on a machine whose only device is the CPU.

On a GPU `x.tolist()`, `int(x[0])` and `x[mask]` stop the CPU until all that was launched has run. On the CPU they are
harmless, so a test there sees nothing unless it looks at the calls. Rules are those of capture (mini_lib.graphs.rules);
copies *to* the device are not counted, because they make nobody wait for a kernel.

>>> with noticing_reads() as reads:
...     tokens = torch.tensor([3, 4])
...     total = int(tokens.sum()) + len(tokens[tokens > 3])
>>> reads
['.item()', 'x[mask]']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mini_lib.graphs.rules import Treatment, op_name, treatment_of

_BY_NAME = {
    Tensor.tolist: ".tolist()",
    Tensor.cpu: ".cpu()",
    Tensor.numpy: ".numpy()",
    Tensor.__array__: ".numpy()",
    Tensor.__dlpack__: "from_dlpack",
    Tensor.__repr__: "print",
}
_SPOKEN = {"_local_scalar_dense": ".item()", "item": ".item()", "index": "x[mask]", "index_put_": "x[mask] = ..."}


class _ByName(TorchFunctionMode):
    """Sees the calls that walk over a CPU tensor's memory without telling the dispatcher."""

    def __init__(self, reads: list[str]) -> None:
        super().__init__()
        self.reads = reads

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _BY_NAME:
            self.reads.append(_BY_NAME[func])
        if func is Tensor.__format__ and args[0].dim():  # a single number is formatted by its `.item()`
            self.reads.append("print")
        if func in (torch.tensor, torch.as_tensor):
            self.reads += [".item()"] * _tensors_in(args[0] if args else None)
        return func(*args, **(kwargs or {}))


class _ByOp(TorchDispatchMode):
    """Sees the ops that give a value, or a size that depends on values, back to the CPU."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say no: nothing is compiled here, and torch would import its compiler for it, which takes a second."""
        return False

    def __init__(self, reads: list[str]) -> None:
        super().__init__()
        self.reads = reads

    def __torch_dispatch__(self, func: Any, types: object, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        treatment = treatment_of(func, args, kwargs or {}, _is_number)
        if treatment in (Treatment.READ_BACK, Treatment.DYNAMIC_SHAPE):
            self.reads.append(_SPOKEN.get(op_name(func), f"torch.{op_name(func)}"))
        return func(*args, **(kwargs or {}))


def _tensors_in(data: Any) -> int:
    """Return how many tensors a list holds: a new tensor of them is made from their values, one by one."""
    if not isinstance(data, list | tuple):
        return 0
    return sum(_tensors_in(item) or isinstance(item, Tensor) for item in data)


def _is_number(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() == 0


@contextmanager
def noticing_reads() -> Iterator[list[str]]:
    """Yield a list that grows by a name whenever something in the block reads a value back; nothing is refused."""
    reads: list[str] = []
    with _ByName(reads), _ByOp(reads), torch.no_grad():
        yield reads
