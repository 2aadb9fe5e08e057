"""Where a number comes from: device, versions, date and command, as every result of the bench carries them."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import torch

from mini_lib.graphs import device_of

RESULT_VERSION = 1


def provenance(verb: str, arguments: Sequence[str], device_module: ModuleType) -> dict[str, Any]:
    """Return the head of a result: all that somebody needs to run the same again and to judge the numbers."""
    return {
        "version": RESULT_VERSION,
        "verb": verb,
        "device": device_name(device_module),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "mini_lib.bench", *arguments]),
    }


def on_gpu(device_module: ModuleType) -> bool:
    """Return whether this device module is `torch.cuda` and not its twin."""
    return device_of(device_module).type == "cuda"


def device_name(device_module: ModuleType) -> str:
    """Return the GPU's name, or the CPU's architecture and threads with the word twin."""
    if on_gpu(device_module):
        return str(torch.cuda.get_device_name())
    return f"CPU twin ({platform.machine()}, {torch.get_num_threads()} threads)"
