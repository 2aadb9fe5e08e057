"""Random weights that are the same for a seed on every machine, in every style, whatever else is drawn.

Each tensor has a generator of its own, seeded by the model's seed and the tensor's name. It runs on the CPU even when
the model lives on a GPU, since the two draw different numbers; the tensor is moved then. Numbers are uniform and not
normal: torch makes normal ones with a logarithm and a cosine, whose last bit depends on the machine, and uniform ones
from random bits by one multiplication. On the meta device nothing is drawn, so a model of any size can be counted.

Not modelled: trained weights. And it is no fast start: eight billion numbers take a CPU a minute.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

InPlace = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Weights:
    """Draws the weights of one model. `dtype` and `device` are those of the finished model."""

    seed: int
    device: torch.device
    dtype: torch.dtype

    def matrix(self, name: str, num_rows: int, num_columns: int, std: float | None = None) -> Tensor:
        """Return numbers of standard deviation `std`; None keeps the size of what it is multiplied by."""
        spread = (12 / num_columns) ** 0.5 if std is None else 12**0.5 * std
        return self._moved(name, (num_rows, num_columns), lambda drawn: drawn.sub_(0.5).mul_(spread))

    def norm(self, name: str, size: int) -> Tensor:
        """Return numbers between 0.75 and 1.25: with ones a forgotten multiplication would go unseen."""
        return self._moved(name, (size,), lambda drawn: drawn.div_(2).add_(0.75))

    def integers(self, name: str, *shape: int) -> Tensor:
        """Return odd 64-bit integers: a product with an odd number forgets nothing."""
        if self.device.type == "meta":
            return torch.empty(shape, dtype=torch.int64, device=self.device)
        drawn = torch.randint(-(2**63), 2**63 - 1, shape, generator=self._generator(name))
        return (drawn | 1).to(self.device)

    def _moved(self, name: str, shape: tuple[int, ...], scale: InPlace) -> Tensor:
        if self.device.type == "meta":
            return torch.empty(shape, dtype=self.dtype, device=self.device)
        drawn = torch.rand(shape, generator=self._generator(name), dtype=torch.float32)
        return scale(drawn).to(self.device, self.dtype)

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator("cpu").manual_seed(zlib.crc32(f"{self.seed} {name}".encode()))


def frozen(*parts: Tensor) -> Parameter:
    """Return the parts, one below the other, as one parameter that is not trained."""
    return Parameter(torch.cat(parts) if len(parts) > 1 else parts[0], requires_grad=False)
