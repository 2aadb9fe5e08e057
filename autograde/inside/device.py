"""The tester's device: tensors that a student's code works on, and that exist in the tester's process alone.

In the student's process such a tensor is a number with a shape (`far_tensors.py`). Each op on it comes here by name,
runs on the real tensors, and what goes back is the number and the shape of the result. So whoever watches tensors in
the tester's process (a `TorchDispatchMode` of a lab's test) sees each op, in its order, and a value leaves only by a
read: `.item()`, `.tolist()`, a mask as an index, and so on.

An error can tell a value too: an index that is out of range for some values and not for others. A failed op whose
shapes alone would have been fine is therefore followed by a read that nobody asked for, so that the watcher sees one.
Memory that an op hands out as it finds it is filled, because what stood there before may have been a test.

Not served: random numbers (they are drawn in the student's process), autograd, sparse and complex tensors.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import _disable_current_modes

from autograde.inside.device_ops import (
    ANSWERS,
    MOST_ELEMENTS,
    NotServed,
    depends_on_values,
    leaves,
    makes_memory,
    op_of,
    refused_for_values,
    require_small,
)

MOST_TENSORS = 100_000
MOST_BYTES = 1 << 28  # of all tensors together
_WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
DTYPES = {str(dtype).split(".")[1]: dtype for dtype in (*_WHOLE, *_FLOATING)}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_UNWATCHED = torch._C.DisableTorchFunction  # what this module asks of a tensor itself is no business of a watcher
_FORMATS = {str(one).split(".")[1]: one for one in (torch.contiguous_format, torch.preserve_format)}


class Device:
    """Real tensors by number. A number is given when a tensor crosses, and forgotten when the student's end is."""

    def __init__(self) -> None:
        self._tensors: dict[int, Tensor] = {}
        self._numbers: dict[int, int] = {}  # id of a tensor that is in the table -> its number
        self._storages: dict[int, list[int]] = {}  # how many tensors of the table share each storage, and its bytes
        self._bytes = 0
        self._last = 0

    def lend(self, tensor: Tensor) -> list[Any]:
        """Return what crosses in place of `tensor`: number, shape, strides, offset, dtype.

        Raises:
            NotServed: a tensor of another kind, or more tensors than a student's code may hold.
        """
        with _UNWATCHED():
            dtype = _NAMES.get(tensor.dtype)
            if dtype is None or tensor.layout is not torch.strided or tensor.device.type != "cpu":
                raise NotServed(f"A tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device} cannot cross.")
            number = self._numbers.get(id(tensor)) or self._admit(tensor)
            return [number, list(tensor.shape), list(tensor.stride()), tensor.storage_offset(), dtype]

    def tensor(self, number: Any) -> Tensor:
        """Return the tensor of this number. Raises `NotServed` for one that nobody was given."""
        found = self._tensors.get(number) if type(number) is int else None
        if found is None:
            raise NotServed("This tensor is not on the tester's device, or not any more.")
        return found

    def run(self, name: str, args: Any, kwargs: Any, dropped: Any = ()) -> Any:
        """Run an op, and return what crosses in place of its result; then let go of tensors that were `dropped`.

        Raises:
            NotServed: an op that is not served.
            Exception: whatever the op raises on tensors of these shapes and values.
        """
        func = op_of(name)
        real_args = [self._real(arg) for arg in args]
        real_kwargs = {str(name): self._real(arg) for name, arg in kwargs.items()}
        with torch.no_grad():
            with _UNWATCHED():
                require_small(func, real_args, real_kwargs)
                self._require_harmless(func, real_args, real_kwargs)
            try:
                result = func(*real_args, **real_kwargs)
            except Exception:
                if depends_on_values(func, real_args, real_kwargs):
                    self._be_seen_reading()
                raise
            if makes_memory(func):
                _fill(result)
        self._forget(dropped)
        return {"is": result} if func._opname in ANSWERS else self._crossing(result)

    def read(self, number: Any, how: str) -> Any:
        """Return the values of a tensor as plain data; to a watcher it looks like the call that the student made."""
        tensor = self.tensor(number)
        if tensor.numel() > MOST_ELEMENTS:
            raise NotServed(f"A tensor of {tensor.numel()} values is too large to be read.")
        if how == "repr":
            return repr(tensor)
        if how not in ("tolist", "numpy", "cpu", "__dlpack__"):
            raise NotServed(f"Nothing reads a tensor by {how[:40]!r}.")
        got = getattr(tensor, how)()  # a watcher sees this one
        if how == "cpu":
            return None
        with _disable_current_modes(), _UNWATCHED():
            return got if how == "tolist" else tensor.tolist()

    def constant(self, dtype: str, data: str, shape: Any) -> Any:
        """Return what crosses in place of a copy of a tensor that the student's own process made."""
        try:
            content = bytearray(base64.b64decode(data, validate=True))
        except (binascii.Error, TypeError):
            raise NotServed("This is no tensor.") from None
        if dtype not in DTYPES or len(content) > 8 * MOST_ELEMENTS:
            raise NotServed(f"A tensor of {str(dtype)[:20]} with {len(content)} bytes cannot cross to the tester.")
        with _disable_current_modes():
            kind = torch.uint8 if dtype == "bool" else DTYPES[dtype]
            flat = torch.frombuffer(content, dtype=kind) if content else torch.empty(0, dtype=kind)
            flat = flat != 0 if dtype == "bool" else flat
            return self._crossing(flat.view(shape))

    def _admit(self, tensor: Tensor) -> int:
        storage = tensor.untyped_storage()
        new_bytes = 0 if storage._cdata in self._storages else storage.nbytes()
        if len(self._tensors) >= MOST_TENSORS or self._bytes + new_bytes > MOST_BYTES:
            raise NotServed(f"The tester's device is full: {len(self._tensors)} tensors with {self._bytes >> 20} MB.")
        self._last += 1
        self._tensors[self._last], self._numbers[id(tensor)] = tensor, self._last
        self._storages.setdefault(storage._cdata, [0, new_bytes])[0] += 1
        self._bytes += new_bytes
        return self._last

    def _release(self, tensor: Tensor) -> None:
        with _UNWATCHED():
            place = tensor.untyped_storage()._cdata
        self._storages[place][0] -= 1
        if not self._storages[place][0]:
            self._bytes -= self._storages.pop(place)[1]

    def _forget(self, numbers: Any) -> None:
        for number in numbers if isinstance(numbers, list) else ():
            tensor = self._tensors.pop(number, None) if type(number) is int else None
            if tensor is not None:
                del self._numbers[id(tensor)]
                self._release(tensor)

    def _real(self, value: Any) -> Any:
        """Return arguments as torch wants them: tensors for numbers, dtypes for their names."""
        if isinstance(value, list):
            return [self._real(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "t" in value:
            return self.tensor(value["t"])
        if "d" in value:
            return DTYPES[value["d"]]
        if "m" in value:
            return _FORMATS[value["m"]]
        if "f" in value:
            return float(value["f"])
        return torch.device("cpu")

    def _crossing(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            return {"t": self.lend(result)}
        if isinstance(result, list | tuple):
            return [self._crossing(item) for item in result]
        if result is None:
            return None
        raise NotServed(f"A result of {type(result).__name__} cannot cross.")

    def _require_harmless(self, func: OpOverload, args: Any, kwargs: Any) -> None:
        with _disable_current_modes():
            why = refused_for_values(func, args, kwargs)
        if why:
            self._be_seen_reading()  # this refusal tells a value
            raise NotServed(why)

    def _be_seen_reading(self) -> None:
        torch.zeros(()).item()


def _fill(result: Any) -> None:
    with _disable_current_modes():
        for tensor in leaves(result, Tensor):
            if tensor.dtype.is_floating_point:
                tensor.fill_(math.nan)
            else:
                tensor.fill_(True if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).max)
