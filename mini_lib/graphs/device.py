"""One text for two devices: `torch.cuda` where there is a GPU, its CPU twin elsewhere."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from mini_lib.graphs import recorder


def get_device_module(name: str = "auto") -> ModuleType:
    """Return `torch.cuda`, or `mini_lib.graphs.recorder`: its twin for machines without a GPU.

    Both offer `CUDAGraph`, `graph`, `graph_pool_handle`, `synchronize`, `Stream` and `Event`,
    and both refuse the same things during capture. Code that takes a device module runs on either.

    Args:
        name: "cuda", "cpu", or "auto": the GPU if there is one.

    Raises:
        ValueError: another name, or "cuda" where torch sees no GPU.
    """
    if name not in ("auto", "cuda", "cpu"):
        raise ValueError(f"There is no device module {name!r}: choose 'auto', 'cuda' or 'cpu'.")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError("torch sees no GPU here, so 'cuda' cannot be used. 'cpu' gives its twin, 'auto' whichever is.")
    return torch.cuda if name != "cpu" and available else recorder


def device_of(device_module: ModuleType) -> torch.device:
    """Return where tensors must live to be captured by `device_module`."""
    return torch.device("cpu" if device_module is recorder else "cuda")


def reserved_bytes(pool: tuple[int, int], device_module: ModuleType) -> int:
    """Return the bytes that a graph pool holds, used or not.

    Not `torch.cuda.memory_reserved()`: a capture begins by giving cached memory back, so that may well shrink.
    """
    if device_of(device_module).type == "cpu":
        return int(recorder.pool_of(pool).reserved_bytes)
    segments: list[dict[str, Any]] = torch.cuda.memory_snapshot()
    return sum(segment["total_size"] for segment in segments if tuple(segment["segment_pool_id"]) == tuple(pool))
