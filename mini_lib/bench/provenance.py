"""Where a number comes from: device, versions, date and command, as every result of the bench carries them."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from types import ModuleType
from typing import Any

import torch

from mini_lib.bench.arguments import command_line
from mini_lib.graphs import device_of

RESULT_VERSION = 1


def provenance(verb: str, arguments: Sequence[str], device_module: ModuleType) -> dict[str, Any]:
    """Return the head of a result: all that somebody needs to run the same again and to judge the numbers."""
    return {"version": RESULT_VERSION, "verb": verb, **machine(command_line(arguments), device_module)}


def machine(command: str, device_module: ModuleType) -> dict[str, Any]:
    """Return where and when something is measured: device, driver, versions, date and the command that did it.

    On the twin there is no driver and no CUDA, and both are empty.
    """
    return {
        **(_gpu() if on_gpu(device_module) else _twin(device_module)),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
    }


def _gpu() -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(0)
    return {
        "device": properties.name,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "memory_bytes": properties.total_memory,
        "driver": _driver(),
        "cuda": torch.version.cuda,
    }


def _twin(device_module: ModuleType) -> dict[str, Any]:
    return {"device": device_name(device_module), "driver": "", "cuda": ""}


def _driver() -> str:
    """Return the driver's version as nvidia-smi tells it, "unknown" where there is none: torch does not say."""
    if shutil.which("nvidia-smi") is None:
        return "unknown"
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() or "unknown"


@contextmanager
def one_cpu_thread() -> Iterator[None]:
    """Let torch compute on one CPU thread for the length of a `with`.

    Where other programs use the cores, threads that wait for one another take up to forty times as long (seen on two
    cores), and the waiting would be what is measured.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_gpu(device_module: ModuleType) -> bool:
    """Return whether this device module is `torch.cuda` and not its twin."""
    return device_of(device_module).type == "cuda"


def device_name(device_module: ModuleType) -> str:
    """Return the GPU's name, or the CPU's architecture with the word twin."""
    if on_gpu(device_module):
        return str(torch.cuda.get_device_name())
    return f"CPU twin ({platform.machine()}, threads: {torch.get_num_threads()})"
