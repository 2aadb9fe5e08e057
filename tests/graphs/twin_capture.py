"""A capture on the twin in one call, for the tests that only the twin has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from mini_lib.graphs import recorder

X = torch.tensor([[0.5, -1.5, 2.5], [3.5, -4.5, 5.5]])


def capture(fn: Callable[[], Any], **options: Any) -> tuple[recorder.CUDAGraph, Any]:
    """Return the graph of one call of `fn`, and what the call handed back."""
    graph = recorder.CUDAGraph()
    with recorder.graph(graph, **options):
        result = fn()
    return graph, result
