"""Plant a bug in the library for the length of a `with`: a few lines of one function read differently.

The module's source is compiled anew with the change in it, and the function that is alive gets the new code. So every
module that imported the function, and every object whose class holds it, has the bug too; afterwards nobody has it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple


class Bug(NamedTuple):
    """A wrong implementation: in `function` of `module`, `old` (which occurs there once) reads `new`."""

    id: str  # as in the list of properties: "A2 resolve_le0"
    module: str
    function: str  # qualified: "FutureMap.resolve"
    old: str
    new: str


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the library have `bug` for the length of a `with`.

    Raises:
        ValueError: `old` does not occur exactly once in the function. The library has moved on: look at the bug anew.
    """
    module = importlib.import_module(bug.module)
    function = _function(module, bug.function)
    right = function.__code__
    function.__code__ = _wrong_code(module, function, bug)
    try:
        yield
    finally:
        function.__code__ = right


def _function(module: ModuleType, qualified: str) -> FunctionType:
    """Return the function itself, from under `property`, `withheld_in` and other decorators."""
    *owners, name = qualified.split(".")
    found: object = module
    for owner in owners:
        found = getattr(found, owner)
    found = inspect.getattr_static(found, name)
    return _undecorated(found, name)


def _undecorated(found: object, name: str) -> FunctionType:
    found = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
    if isinstance(found, FunctionType) and found.__code__.co_name == name:
        return found
    inside = [cell.cell_contents for cell in getattr(found, "__closure__", None) or ()]
    wrapped = [one for one in [getattr(found, "__wrapped__", None), *inside] if getattr(one, "__name__", "") == name]
    if not wrapped:
        raise ValueError(f"no function {name!r} was found in {found!r}")
    return _undecorated(wrapped[0], name)


def _wrong_code(module: ModuleType, function: FunctionType, bug: Bug) -> CodeType:
    lines, first = inspect.getsourcelines(function)
    text, source = "".join(lines), inspect.getsource(module)
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.id}: {bug.old!r} occurs {text.count(bug.old)} times in {bug.function}:\n{text}")
    before, after = (
        source.splitlines(keepends=True)[: first - 1],
        source.splitlines(keepends=True)[first - 1 + len(lines) :],
    )
    changed = "".join([*before, text.replace(bug.old, bug.new), *after])
    compiled = compile(changed, inspect.getsourcefile(module) or bug.module, "exec", dont_inherit=True)
    return next(code for code in _all_code(compiled) if code.co_qualname == function.__code__.co_qualname)


def _all_code(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _all_code(constant)
