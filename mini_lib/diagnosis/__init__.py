"""Is my model launch-bound? From a trace, from a run on a GPU, and, for what a graph could not hold, on the CPU twin.

`diagnose_trace` takes any timeline and needs no torch; `diagnose` takes a function and its inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mini_lib.diagnosis.diagnosis import Diagnosis, diagnose_trace
from mini_lib.diagnosis.gain import Gain, Gains
from mini_lib.diagnosis.shares import Shares
from mini_lib.diagnosis.verdict import Verdict

if TYPE_CHECKING:
    from mini_lib.diagnosis.of_function import diagnose

__all__ = ["Diagnosis", "Gain", "Gains", "Shares", "Verdict", "diagnose", "diagnose_trace"]


def __getattr__(name: str) -> Any:
    """Import `diagnose`, and torch with it, at the first time somebody asks for it."""
    if name != "diagnose":
        raise AttributeError(f"module 'mini_lib.diagnosis' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    return import_module("mini_lib.diagnosis.of_function").diagnose
