"""The doctor: which device this kernel has, which versions, and what will be skipped on it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from mini_lib.learn.predictions import predictions_file

_NEEDED = ("torch", "numpy", "matplotlib", "tqdm")


def doctor() -> None:
    """Print device and versions, what is missing and how to get it, and what will be skipped here."""
    print(f"Python      {platform.python_version()} on {platform.system()}, {os.cpu_count()} CPU cores")
    missing = [name for name in _NEEDED if _version(name) is None]
    for name in _NEEDED:
        print(f"{name:<12}{_version(name) or 'missing'}")
    if missing:
        print(f"\nInstall what is missing, then restart the kernel:  %pip install {' '.join(missing)}")
    print(f"device      {_device() if 'torch' not in missing else 'unknown without torch'}")
    print(f"predictions {predictions_file().name} in {predictions_file().parent.name or predictions_file().parent}/")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _device() -> str:
    """Return the device in words, with what it means for the cells that follow."""
    import torch

    if torch.cuda.is_available():
        gpu = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
        return f"{gpu}: cells capture real graphs, nothing is skipped."
    return (
        "CPU: cells run on the CPU twin of torch.cuda's graphs: same names, same refusals.\n"
        "            Skipped here: CUDA timings. A simulator takes their place, and says so."
    )
