"""How tensors, devices and dtypes cross: as numbers of the tester's device, and as names.

At the tester's end a `Codec` lends real tensors; at the student's it makes `FarTensor`s of their numbers, and copies an
ordinary tensor to the tester when one is given back. So a tensor that is handed to and fro is one and the same, with
one memory, as it would be in one process.

Importing this imports no torch: a lab may do without, and where nobody has imported it nothing is a tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograde.inside.values import Border, Json
from mini_lib.learn.values import NotPlain

if TYPE_CHECKING:
    from torch import Tensor

    from autograde.inside.device import Device
    from autograde.inside.far_tensors import FarDevice


def _is_of_torch(value: object, kind: str) -> bool:
    return "torch" in sys.modules and isinstance(value, getattr(sys.modules["torch"], kind))


class LentTensors:
    """The tester's end."""

    tag = "tensor"

    def __init__(self, device: Callable[[], Device]) -> None:
        self._device = device

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a tensor."""
        return _is_of_torch(value, "Tensor")

    def encode(self, value: Any, border: Border) -> Json:
        """Return number and shape of a tensor that stays here."""
        return self._device().lend(value)

    def decode(self, found: Json, border: Border) -> Tensor:
        """Return the tensor of this number. Raises ValueError where there is none."""
        try:
            return self._device().tensor(found)
        except RuntimeError as error:
            raise ValueError("no tensor was lent under this number") from error


class FarTensors:
    """The student's end."""

    tag = "tensor"

    def __init__(self, home: Callable[[], FarDevice]) -> None:
        self._home = home
        self._last: list[Tensor] = []  # that went: their numbers must not be forgotten on the way

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a tensor."""
        return _is_of_torch(value, "Tensor")

    def encode(self, value: Any, border: Border) -> Json:
        """Return the number of a tensor, which may be copied to the tester first."""
        try:
            far = self._home().far(value)
        except RuntimeError as error:
            raise NotPlain(f"a tensor that cannot cross: {error}") from None
        self._last = [*self._last[-99:], far]
        return far.number

    def decode(self, found: Json, border: Border) -> Tensor:
        """Return what stands here for the tensor that was described."""
        return self._home().tensor(found)


class Devices:
    """Devices, at both ends. There is one: the CPU, which is to say the tester's."""

    tag = "device"

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a device."""
        return _is_of_torch(value, "device")

    def encode(self, value: object, border: Border) -> Json:
        """Return its name."""
        return str(value)

    def decode(self, found: Json, border: Border) -> object:
        """Return the device of this name. Raises ValueError for any but the CPU."""
        import torch

        if found != "cpu":
            raise ValueError("there is one device, the CPU")
        return torch.device("cpu")


class Dtypes:
    """Types of elements, at both ends."""

    tag = "dtype"

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a dtype."""
        return _is_of_torch(value, "dtype")

    def encode(self, value: object, border: Border) -> Json:
        """Return its name."""
        return str(value).removeprefix("torch.")

    def decode(self, found: Json, border: Border) -> object:
        """Return the dtype of this name. Raises ValueError for one that no tensor here has."""
        from autograde.inside.device import DTYPES

        if found not in DTYPES:
            raise ValueError("no tensor here has such a dtype")
        return DTYPES[found]
