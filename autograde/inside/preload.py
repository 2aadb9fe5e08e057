"""What a fork server imports before the first submission, so that no submission waits for it."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path
from typing import Any

PRELOADED = (
    *("torch", "numpy", "numpy.random", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    *("matplotlib.font_manager", "IPython.core.interactiveshell", "nbformat.v4"),
    "torch._dynamo",  # the first graph that is captured in a process imports it: 1 s
)


def preload(names: tuple[str, ...], common: bool, entry: str = "") -> None:
    """Import what these labs import, which must be there, and what every lab may need, where it is installed.

    Then do what is the same for all children: `warm()` in the module of `entry`, where it has one.
    """
    for name in names:
        load(name)
    for name in PRELOADED if common else ():
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    warm = getattr(importlib.import_module(entry.partition(":")[0]), "warm", None) if entry else None
    if warm is not None:
        warm()
    gc.collect()
    gc.freeze()  # or the collector would write into pages that children share with the server


def load(name: str) -> Any:
    """Return what "module:name" names; a bare "module" is imported."""
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    if attribute and not hasattr(loaded, attribute):
        return importlib.import_module(f"{module}.{attribute}")
    return getattr(loaded, attribute) if attribute else loaded


def memory_mb() -> float:
    """Return this process's share of memory, pages that others hold too divided among them; 0 where nobody counts."""
    found = Path("/proc/self/smaps_rollup")
    lines = found.read_text().splitlines() if found.exists() else []
    return round(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 1)
