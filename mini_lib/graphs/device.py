"""One text for two devices: `torch.cuda` where there is a GPU, its CPU twin elsewhere."""

from __future__ import annotations

from types import ModuleType

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
