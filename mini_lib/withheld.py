"""What a lab asks its student to write, the library does not answer while that lab is open.

A function marked `@withheld_in("lab04")` works everywhere but in lab 4, where calling it raises `Withheld`.
Reading its source is welcome; calling it is no answer. The lab is opened by `begin("lab04")` in its first cell,
or for a whole process by the environment variable LAUNCH_BOUND_LAB, which then holds: no other lab can be opened.

This keeps an honest student honest. It does not stop one who copies the source, or who opens the lock in their own
process; the grader's sandbox keeps them only from changing the library for others.

>>> @withheld_in("lab99")
... def answer() -> int:
...     return 42
>>> answer()
42
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_LAB_OF_PROCESS: str | None = os.environ.get("LAUNCH_BOUND_LAB") or None  # the grader sets it
_open_lab = _LAB_OF_PROCESS


class Withheld(RuntimeError):
    """The library's own version of a graded function was called inside the lab that asks for it."""


def begin(lab: str) -> None:
    """Open `lab` in this process: from now on what it withholds refuses to be called.

    Raises:
        Withheld: the process was started for another lab, which would be closed by this.
    """
    global _open_lab
    if _LAB_OF_PROCESS not in (None, lab):
        raise Withheld(f"this process was started for {_LAB_OF_PROCESS}: {lab} cannot be opened in it.")
    _open_lab = lab


def read_environment() -> None:
    """Open the lab that LAUNCH_BOUND_LAB names, as an import does: for a process that was forked after the import."""
    global _LAB_OF_PROCESS, _open_lab
    _LAB_OF_PROCESS = _open_lab = os.environ.get("LAUNCH_BOUND_LAB") or None


def withheld_in(lab: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that makes a function raise `Withheld` while `lab` is open."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if _open_lab == lab:
                raise Withheld(_refusal(function.__qualname__, lab))
            return function(*args, **kwargs)

        return _dressed(guarded, function)

    return mark


def _refusal(name: str, lab: str) -> str:
    number = int(lab.removeprefix("lab"))
    return f"withheld in lab {number}: write your own. (You called mini_lib's {name}; reading its source is welcome.)"


def _dressed(guarded: Callable[P, R], function: Callable[P, R]) -> Callable[P, R]:
    """Copy name, docstring and signature, but not `__wrapped__`, which would be a way around the guard."""
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(guarded, attribute, getattr(function, attribute))
    guarded.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return guarded
