"""The tensors that the ops under test work on: distinct values everywhere, id 0 and the last id among the ids."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Data:
    """Inputs of all ops. The first group may require grad; the second is read; the last one is written in place."""

    x: Tensor  # [4, 6]
    y: Tensor  # [4, 6]
    w: Tensor  # [6, 5]
    b: Tensor  # [5]
    g: Tensor  # [6]
    image: Tensor  # [2, 3, 8, 8]
    kernel: Tensor  # [4, 3, 3, 3]
    q: Tensor  # [2, 2, 4, 8]
    k: Tensor
    v: Tensor
    table: Tensor  # [10, 6]

    ids: Tensor  # [4], a row of `table` or a column of x each
    cols: Tensor  # [4, 6], columns of x
    whole: Tensor  # [4, 6], integers, negative ones among them
    mask: Tensor  # [4, 6]
    square_mask: Tensor  # [4, 4], true on the diagonal

    cache: Tensor  # [10, 6]
    counts: Tensor  # [7], integers

    @property
    def leaves(self) -> list[Tensor]:
        """The tensors that autograd may differentiate by."""
        return [self.x, self.y, self.w, self.b, self.g, self.image, self.kernel, self.q, self.k, self.v, self.table]

    def all(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]

    def copy_from(self, other: Data) -> None:
        """Take over all values of `other`, at the addresses of this one."""
        with torch.no_grad():
            for mine, its in zip(self.all(), other.all(), strict=True):
                mine.copy_(its)


def draw(seed: int, device: torch.device) -> Data:
    """Return fresh data. Normal values never repeat, and ids include 0 and the last row."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source).to(device)

    def shuffled(n: int, *shape: int) -> Tensor:
        rows = [torch.randperm(n, generator=source) for _ in range(max(1, torch.Size(shape[:-1]).numel()))]
        return torch.stack(rows)[..., : shape[-1]].reshape(shape).to(device)

    ids = shuffled(6, 4)
    square_mask = torch.rand(4, 4, generator=source) > 0.4
    return Data(
        x=normal(4, 6), y=normal(4, 6), w=normal(6, 5), b=normal(5), g=normal(6), image=normal(2, 3, 8, 8),
        kernel=normal(4, 3, 3, 3), q=normal(2, 2, 4, 8), k=normal(2, 2, 4, 8), v=normal(2, 2, 4, 8),
        table=normal(10, 6), ids=ids, cols=shuffled(6, 4, 6), whole=shuffled(40, 4, 6) - 17, mask=normal(4, 6) > 0,
        square_mask=(square_mask | torch.eye(4, dtype=torch.bool)).to(device), cache=normal(10, 6),
        counts=shuffled(50, 7),
    )  # fmt: skip
