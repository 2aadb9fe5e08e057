"""What stands for an object of the other process: a function that asks over there, or an object with such methods.

A handle tells little: of a function its name and the names of its arguments, of an object the name of its class and
its public methods. That is enough for a test to call it, and for a sentence to name it. Operators are not handed on:
`==` on a mirror is Python's own, so an object whose `__eq__` says yes to everything equals nothing here but itself.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

from autograde.inside.far_errors import is_name

MAX_METHODS, MAX_ARGUMENTS = 200, 50
LAMBDA = "<lambda>"  # the one name of a function that is no word
SPECIAL = ("__call__", "__iter__", "__next__", "__len__", "__getitem__", "__contains__")  # handed on as they are
FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    functools.partial,
    functools._lru_cache_wrapper,
    type,
)
Ask = Callable[[int, str, tuple[object, ...], Mapping[str, object]], Any]  # number, method or "", args, kwargs


def describe(value: object) -> dict[str, Any]:
    """Return what the other end may know of an object."""
    if isinstance(value, FUNCTIONS):
        name = getattr(value, "__name__", None) or type(value).__name__
        return {"kind": "function", "name": str(name)[:100], "arguments": _arguments(value)}
    public = [name for name in dir(type(value)) if not name.startswith("_") and _is_method(type(value), name)]
    special = [name for name in SPECIAL if getattr(type(value), name, None) is not None]
    return {"kind": "object", "name": type(value).__name__[:100], "methods": [*special, *public][:MAX_METHODS]}


def _is_method(kind: type, name: str) -> bool:
    try:
        return callable(getattr(kind, name))
    except Exception:  # a descriptor of a student's own may do anything
        return False


def _arguments(value: Any) -> list[list[Any]] | None:
    """Return [name, kind, has a default] of each argument; None where Python cannot tell."""
    try:
        found = inspect.signature(value).parameters.values()
    except Exception:  # a `__signature__` of a student's own may be anything
        return None
    return [[one.name, int(one.kind), one.default is not one.empty] for one in found][:MAX_ARGUMENTS]


def mirror(handle: Mapping[str, Any], ask: Ask) -> object:
    """Return what stands for the object of this handle.

    Raises:
        ValueError: it is no handle.
    """
    number, name = handle["number"], handle["name"] if is_name(handle["name"]) else "object"
    if handle["kind"] == "function":
        name = LAMBDA if handle["name"] == LAMBDA else name
        return _function(number, name, _signature(handle["arguments"]), ask)
    if handle["kind"] != "object" or not isinstance(handle["methods"], list):
        raise ValueError("a handle is of a function or of an object")
    allowed = [one for one in handle["methods"][:MAX_METHODS] if is_name(one)]
    methods = tuple(one for one in allowed if not one.startswith("_") or one in SPECIAL)
    made = _class(name, methods)(ask)
    made.__far__ = number
    return made


def _function(number: int, name: str, signature: inspect.Signature | None, ask: Ask) -> object:
    def far(*args: object, **kwargs: object) -> Any:
        return ask(number, "", args, kwargs)

    far.__name__ = far.__qualname__ = name
    far.__module__ = "__main__"
    far.__far__ = number  # type: ignore[attr-defined]
    if signature is not None:
        far.__signature__ = signature  # type: ignore[attr-defined]
    return far


def _signature(found: Any) -> inspect.Signature | None:
    if not isinstance(found, list):
        return None
    try:
        return inspect.Signature([_parameter(*one) for one in found[:MAX_ARGUMENTS]])
    except (TypeError, ValueError):
        return None


def _parameter(name: Any, kind: Any, has_default: Any) -> inspect.Parameter:
    default = ... if has_default else inspect.Parameter.empty
    return inspect.Parameter(name, inspect._ParameterKind(kind), default=default)


@functools.lru_cache(maxsize=1000)
def _class(name: str, methods: tuple[str, ...]) -> type[Any]:
    """Return a class of this name with these methods; each asks the other end."""

    def begin(self: Any, ask: Ask) -> None:
        self._ask = ask

    members: dict[str, Any] = {one: _method(one) for one in methods}
    members |= {"__init__": begin, "__module__": "__main__", "__repr__": lambda self: f"<{name} object>"}
    members |= {"__deepcopy__": lambda self, memo: self, "__copy__": lambda self: self}
    return type(name, (), members)


def _method(name: str) -> Any:
    def far(self: Any, *args: object, **kwargs: object) -> Any:
        return self._ask(self.__far__, name, args, kwargs)

    far.__name__ = far.__qualname__ = name
    return far
