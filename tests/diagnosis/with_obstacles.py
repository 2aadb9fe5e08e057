"""Functions that no graph can hold, the offending lines marked: a test reads off the marks where they stand."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mini_lib.graphs import recorder

TEMPERATURE = 0.7


def several(x: Tensor) -> Tensor:
    y = x @ x
    if y.sum() > 0:  # several: bool(tensor)
        y = y.relu()
    for _ in range(3):
        y = y * 1.5
        y.sum().item()  # several: .item()
    y[y > 1]  # several: aten.index
    y.tolist()  # several: .tolist()
    str(y)  # several: print(tensor)
    torch.tensor([1.0, 2.0])  # several: torch.tensor(...)
    recorder.synchronize()  # several: synchronize()
    return y * 2.0


def from_a_helper(x: Tensor) -> Tensor:
    return x * largest(x)


def largest(x: Tensor) -> float:
    return float(x.max())  # from_a_helper: float(tensor)


def nested_capture(x: Tensor) -> Tensor:
    y = x * 2
    with recorder.graph(recorder.CUDAGraph()):  # nested_capture: second capture
        return y + 1


def nothing_in_the_way(x: Tensor, scale: float = 1.0) -> Tensor:
    y = torch.where(x > 0, x, x * TEMPERATURE)
    y = torch.nn.functional.linear(y, x)
    y[y > 1] = 5.0
    return y.to(x.device) * scale


def marked(function: str) -> list[tuple[int, str]]:
    """Return the lines marked as obstacles of `function`, each with what its rule must name."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    mark = f"  # {function}: "
    return [(number, line.partition(mark)[2]) for number, line in enumerate(lines, start=1) if mark in line]
