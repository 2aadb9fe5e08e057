"""Tensors that live with the tester, as a student's code holds them: a number with a shape, and no values.

`FarTensor` looks like a tensor of the CPU to Python and to torch. Each op on it is sent to the tester by name, each
read (`.tolist()`, `int(x)`, `x[mask]`, printing) is a request to the tester, and an ordinary tensor among the arguments
is copied there.

Nothing here needs to be trusted: whatever a student's code changes in this process, values are with the tester.
"""

from __future__ import annotations

import base64
import weakref
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._mode_utils import no_dispatch

from autograde.inside.device import DTYPES

Ask = Callable[..., Any]  # (verb, **plain request) -> plain answer

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_PLAIN = (int, float, bool, str, type(None))


class FarTensor(Tensor):
    """A tensor of the tester's. `number` is its name there."""

    number: int
    home: FarDevice

    @staticmethod
    def __new__(cls: type[FarTensor], home: FarDevice, described: list[Any]) -> FarTensor:
        _, shape, strides, offset, dtype = described
        form = {"strides": strides, "storage_offset": offset, "dtype": DTYPES[dtype], "device": torch.device("cpu")}
        return Tensor._make_wrapper_subclass(cls, shape, **form)

    def __init__(self, home: FarDevice, described: list[Any]) -> None:
        self.home, self.number = home, described[0]

    def __del__(self) -> None:
        self.home.dropped.append(self.number)

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        reader = _READERS.get(func)
        if reader is not None:
            return reader(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        home = next(leaf.home for leaf in leaves((args, kwargs)) if isinstance(leaf, FarTensor))
        return home.run(func, args, kwargs)


class FarDevice:
    """The student's end of the tester's device."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.dropped: list[int] = []  # numbers of tensors that are gone here; told with the next op
        self._known: weakref.WeakValueDictionary[int, FarTensor] = weakref.WeakValueDictionary()
        self._copied: dict[int, tuple[StorageWeakRef, int, list[FarTensor]]] = {}

    def tensor(self, described: list[Any]) -> FarTensor:
        """Return the tensor that the tester described; the same object as long as it is held here."""
        known = self._known.get(described[0])
        if known is None:
            known = self._known[described[0]] = FarTensor(self, described)
        return known

    def run(self, func: OpOverload, args: Any, kwargs: dict[str, Any]) -> Any:
        """Have the tester run an op, and return its result."""
        if torch.Tag.inplace_view in func.tags:
            with no_dispatch():  # the shape of the number itself
                func(*args, **kwargs)
        held: list[FarTensor] = []  # copies made for this op: they live until it has run
        sent = {
            "op": str(func)[5:],  # without "aten."
            "args": [self._sent(arg, held) for arg in args],
            "kwargs": {name: self._sent(arg, held) for name, arg in kwargs.items()},
        }
        dropped, self.dropped = self.dropped, []
        result = self._received(self._ask("op", **sent, dropped=dropped))
        if self._copied and func._schema.is_mutable:
            self._expect_writes(func, args)
        return result

    def far(self, tensor: Tensor) -> FarTensor:
        """Return the tensor itself, or the tester's copy of an ordinary one."""
        return tensor if isinstance(tensor, FarTensor) else self.copied(tensor)

    def values(self, tensor: FarTensor, how: str) -> Any:
        """Return what reading the tensor gives."""
        return self._ask("read", number=tensor.number, how=how)

    def copied(self, tensor: Tensor) -> FarTensor:
        """Return the tester's copy of an ordinary tensor; views of one memory, and later calls, share one copy."""
        storage = tensor.untyped_storage()
        reference, version, whole = self._copied.get(storage._cdata, (None, 0, []))
        if reference is None or reference.expired() or version != tensor._version or whole[0].dtype != tensor.dtype:
            with no_dispatch():
                count = storage.nbytes() // tensor.element_size()
                flat = tensor.detach().as_strided((count,), (1,), 0)
            whole = [self.copy_of(flat)]
            self._copied[storage._cdata] = (StorageWeakRef(storage), tensor._version, whole)
        if whole[0].shape == tensor.shape and tensor.is_contiguous():
            return whole[0]
        view: Any = whole[0].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
        return cast(FarTensor, view)

    def _expect_writes(self, func: OpOverload, args: Any) -> None:
        """Keep the copies of ordinary tensors that an op has written to: torch counts the write after this."""
        for argument, value in zip(func._schema.arguments, args, strict=False):
            writes = argument.alias_info is not None and argument.alias_info.is_write
            if writes and isinstance(value, Tensor) and not isinstance(value, FarTensor):
                place = value.untyped_storage()._cdata
                reference, _, whole = self._copied[place]
                self._copied[place] = (reference, value._version + 1, whole)

    def copy_of(self, tensor: Tensor) -> FarTensor:
        """Return a new tensor of the tester's with the values that an ordinary tensor has now."""
        if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.dtype not in _NAMES:
            raise RuntimeError(f"A tensor of {tensor.dtype} on {tensor.device} cannot go to the tester's device.")
        with no_dispatch():
            dense = tensor.detach().contiguous()
            content = base64.b64encode(dense.view(-1).view(torch.uint8).numpy().tobytes()).decode()
        described = self._ask("constant", dtype=_NAMES[tensor.dtype], content=content, shape=list(dense.shape))
        return self.tensor(described["t"])

    def _sent(self, value: Any, held: list[FarTensor]) -> Any:
        if isinstance(value, Tensor):
            held.append(self.far(value))
            return {"t": held[-1].number}
        if isinstance(value, float) and value - value != 0:  # NaN and infinities are no JSON
            return {"f": repr(value)}
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, list | tuple):
            return [self._sent(item, held) for item in value]
        if isinstance(value, torch.dtype):
            return {"d": _NAMES[value]}
        if isinstance(value, torch.device) and value.type == "cpu":
            return {"cpu": 1}
        if isinstance(value, torch.memory_format):
            return {"m": str(value).split(".")[1]}
        if value is torch.strided:
            return None
        raise RuntimeError(f"{value!r:.60} cannot go to the tester's device.")

    def _received(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self._received(item) for item in answer]
        if isinstance(answer, dict):
            return self.tensor(answer["t"]) if "t" in answer else answer["is"]
        return answer


def leaves(value: Any) -> Iterator[Any]:
    """Yield what is in lists, tuples and dicts within one another."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        yield from leaves(list(value.values()))
    else:
        yield value


def _read(how: str) -> Callable[..., Any]:
    return lambda tensor, *args, **kwargs: tensor.home.values(tensor, how)


def _as_array(how: str) -> Callable[..., Any]:
    def read(tensor: FarTensor, *args: Any, **kwargs: Any) -> Any:
        values = tensor.home.values(tensor, how)
        array = _ordinary(tensor, values).numpy()
        return array.__dlpack__() if how == "__dlpack__" else array

    return read


def _ordinary(tensor: FarTensor, values: Any) -> Tensor:
    with no_dispatch():
        return torch.tensor(values, dtype=tensor.dtype).reshape(tensor.shape)


def _stay(tensor: FarTensor, *args: Any, **kwargs: Any) -> FarTensor:
    """The device is the CPU to whoever asks, so `.cpu()` gives the tensor itself; it counts as a read all the same."""
    tensor.home.values(tensor, "cpu")
    return tensor


def _formatted(tensor: FarTensor, form: str) -> str:
    return format(tensor.item() if tensor.dim() == 0 else repr(tensor), form)


_READERS: dict[Any, Callable[..., Any]] = {
    Tensor.tolist: _read("tolist"),
    Tensor.numpy: _as_array("numpy"),
    Tensor.__array__: _as_array("numpy"),
    Tensor.__dlpack__: _as_array("__dlpack__"),
    Tensor.cpu: _stay,
    Tensor.__repr__: _read("repr"),
    Tensor.__format__: _formatted,
    Tensor.__deepcopy__: lambda tensor, memo: tensor.clone(),
}
