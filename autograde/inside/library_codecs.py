"""How parts of the library cross: its modules by name, its named tuples as objects that stay with the tester.

Both processes have the same library, so a module that a test hands to a student's code (a device module, say) is over
there the module of the same name, and comes home as the tester's own. A named tuple of the library (a batch, a new
token) is what it is by its class: it is lent like any other object of the tester's, and is itself when it comes back.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from autograde.inside.values import Border, Json

LIBRARY = "mini_lib"


class Modules:
    """At both ends."""

    tag = "module"

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a module of the library."""
        return isinstance(value, ModuleType) and of_library(value.__name__)

    def encode(self, value: ModuleType, border: Border) -> Json:
        """Return its name."""
        return value.__name__

    def decode(self, found: Json, border: Border) -> ModuleType:
        """Return the module of this name. Raises ValueError where the library has none, or nobody imported it yet."""
        if not isinstance(found, str) or not of_library(found) or found not in sys.modules:
            raise ValueError("the library has no such module")
        return sys.modules[found]


class Records:
    """At both ends; the tester lends named tuples of the library, and a student's own are plain tuples."""

    tag = "record"

    def __init__(self, lends: bool) -> None:
        self._lends = lends

    def takes(self, value: object) -> bool:
        """Tell whether `value` is a named tuple of the library, at the tester's end."""
        is_named = self._lends and isinstance(value, tuple) and hasattr(type(value), "_fields")
        return is_named and of_library(type(value).__module__)

    def encode(self, value: Any, border: Border) -> Json:
        """Return the handle of the tuple."""
        return border.lend(value)

    def decode(self, found: Json, border: Border) -> object:
        """Return what stands here for a tuple of the other end."""
        return border.decode(found)


def of_library(module: str) -> bool:
    """Tell whether a module of this name is part of the library."""
    return module.split(".")[0] == LIBRARY


def library_class(name: str) -> Any:
    """Return the class of the library that is called "mini_lib.Engine" from outside."""
    module, _, attribute = name.rpartition(".")
    if not of_library(module):
        raise ValueError(f"{name!r:.60} is no class of the library")
    return getattr(import_module(module), attribute)
