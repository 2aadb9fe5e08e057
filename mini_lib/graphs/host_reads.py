"""Reads and writes by the CPU that never reach torch's dispatcher, and so must be caught one floor higher.

On a GPU `x.tolist()` is a copy to the host. On the CPU it just walks over memory, and the recorder would not see it. A
`TorchFunctionMode` sees the call by its name. It also remembers which call is under way, so that an error can say
`.item()` and not only `aten._local_scalar_dense`.

Not modelled: that a CPU tensor may stand beside GPU tensors. `.to("cpu")` with the word spelled out is refused, but
`.to(device)` with a `torch.device` is not, because on this machine that *is* the device that the model lives on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mini_lib.graphs.errors import CaptureError, FirstLine

_COPIES_TO_HOST = {
    Tensor.cpu: ".cpu()",
    Tensor.tolist: ".tolist()",
    Tensor.numpy: ".numpy()",
    Tensor.__array__: "numpy.asarray(tensor)",
    Tensor.__repr__: "print(tensor)",
    Tensor.__format__: "formatting a tensor",
    Tensor.__deepcopy__: "copy.deepcopy(tensor)",
}
_COPIES_FROM_HOST = {
    torch.tensor: "torch.tensor(...)",
    torch.as_tensor: "torch.as_tensor(...)",
    torch.asarray: "torch.asarray(...)",
    torch.from_numpy: "torch.from_numpy(...)",
    Tensor.new_tensor: "tensor.new_tensor(...)",
}


class HostReads(TorchFunctionMode):
    """Refuses copies between CPU and GPU memory while a capture is under way. The capture survives such a refusal."""

    def __init__(self) -> None:
        super().__init__()
        self.call = ""  # what the student wrote, for messages: `.item()`

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if copy := copy_with_host(func, args, kwargs):
            refuse_host_copy(*copy)
        if func is torch._C._nn.one_hot:
            return _one_hot(func, *args, **kwargs)
        self.call = getattr(func, "__name__", "")
        return func(*args, **kwargs)


def copy_with_host(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str] | None:
    """Return the call as a student writes it and "to" or "from" if it copies between the GPU and the CPU, else None."""
    if func in _COPIES_TO_HOST and not _reads_one_value(func, args):
        return _COPIES_TO_HOST[func], "to"
    if func is Tensor.to and _names_the_cpu(args[1:], kwargs):
        return '.to("cpu")', "to"
    if func in _COPIES_FROM_HOST and _makes_device_tensor(func, args, kwargs):
        return _COPIES_FROM_HOST[func], "from"
    return None


def refuse_host_copy(call: str, direction: str) -> NoReturn:
    """Raise what torch raises for a copy between GPU memory and ordinary (pageable) CPU memory."""
    raise CaptureError(FirstLine.PAGEABLE_COPY, host_copy_hint(call, direction))


def host_copy_hint(call: str, direction: str) -> str:
    """Return our paragraph on a copy between GPU memory and ordinary CPU memory."""
    copies = f"{call} copies {'from the GPU to' if direction == 'to' else 'to the GPU from'} ordinary CPU memory"
    way_out = (
        "Read the output after the replay, outside the graph."
        if direction == "to"
        else "Make the tensor before the capture, and copy new values into it with copy_() before each replay."
    )
    return (
        f"{copies}, and the CPU would have to be there at each replay, which it is not. {way_out} "
        "The capture goes on if you catch this error."
    )


@contextmanager
def no_seeding() -> Iterator[None]:
    """Refuse `torch.manual_seed` inside the block, as the CUDA generator does while a capture is under way."""
    seed_functions = [(torch, torch.manual_seed), (torch.random, torch.random.manual_seed)]
    for module, _ in seed_functions:
        module.manual_seed = _refuse_seed  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, manual_seed in seed_functions:
            module.manual_seed = manual_seed  # type: ignore[attr-defined]


def _refuse_seed(seed: int) -> NoReturn:
    raise CaptureError(
        FirstLine.SEED_WHILE_CAPTURING,
        f"torch.manual_seed({seed}) sets a number on the CPU, and a graph records only kernels. Seed before the "
        "replay: each replay takes the generator where it stands and moves it on.",
    )


def _reads_one_value(func: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """f"{x}" of a tensor with one value calls `.item()`: let it, so that it is refused as that."""
    return func is Tensor.__format__ and args[0].dim() == 0


def _names_the_cpu(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return "cpu" in [arg for arg in (*args, kwargs.get("device")) if isinstance(arg, str)]


def _makes_device_tensor(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """A tensor passes through unharmed; one number without `device=` stays on the host and becomes a constant."""
    if func is Tensor.new_tensor:
        return True
    data = args[0] if args else kwargs.get("data", kwargs.get("obj"))
    if isinstance(data, Tensor):
        return False
    return not (isinstance(data, bool | int | float | complex) and kwargs.get("device") is None)


def _one_hot(func: Callable[..., Any], indices: Tensor, num_classes: int = -1) -> Tensor:
    """Do what CUDA does: with `num_classes` given nothing is read back. (The CPU checks the indices first.)"""
    if num_classes < 0:
        result: Tensor = func(indices, num_classes)
        return result
    zeros = torch.zeros(*indices.shape, num_classes, dtype=torch.int64, device=indices.device)
    return zeros.scatter_(-1, indices.unsqueeze(-1), 1)
