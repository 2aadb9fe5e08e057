"""An exception that crosses: its class by name, its message as text, the frames of the student's own cells.

Over here it is raised as a class of the same name that stands on the same builtin, so that `except ValueError` catches
what it would have caught at home. No class of theirs comes with it. Those that end a loop or a generator in silence
stand on RuntimeError instead: a StopIteration out of an answer would otherwise cut a test short, and a test that
checked nothing gives points.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from mini_lib.withheld import Withheld

MAX_MESSAGE = 4_000  # characters
MAX_FRAMES, MAX_FRAME = 20, 1_000
ENDS_IN_SILENCE = ("StopIteration", "StopAsyncIteration", "GeneratorExit")
OF_THE_LIBRARY: dict[str, type[BaseException]] = {"Withheld": Withheld}  # that a test may tell from others
OF_THE_GRADER = ("NotRun", "CellTimeoutError", "ScoreOutOfRange")  # what it says of a cell itself
ASKS_FOR_MORE = ("BaseExceptionGroup", "ExceptionGroup", "SyntaxError", "IndentationError", "TabError")


class FarError:
    """Every exception that came from the other end is one of these too; `frames` are lines of the student's cells.

    `number` is its name over there, if it has one: going back, it is that exception again.
    """

    said: str = ""
    frames: tuple[str, ...] = ()
    number: int | None = None

    def __str__(self) -> str:
        return self.said


def told(error: BaseException, frames: Iterable[str] = ()) -> dict[str, Any]:
    """Return what crosses in place of an exception."""
    return {
        "name": type(error).__name__,
        "bases": [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins" or _is_known(kind)],
        "message": said(error)[:MAX_MESSAGE],
        "frames": list(frames),
    }


def _is_known(kind: type) -> bool:
    """Tell by name: a library that was loaded anew has the same class once more."""
    known = OF_THE_LIBRARY.get(kind.__name__)
    return known is not None and kind.__module__ == known.__module__


def said(error: BaseException) -> str:
    """Return the message of an exception, "" where its own `__str__` fails."""
    try:
        return str.__str__(str(error))
    except Exception:
        return ""


def rebuilt(found: Mapping[str, Any], ends_a_loop: bool = False) -> BaseException:
    """Return the exception that stands here for theirs. `ends_a_loop` lets a StopIteration be what it is.

    Raises:
        ValueError: the other end sent something else.
    """
    try:
        name, message = str(found["name"])[:100], str(found["message"])[:MAX_MESSAGE]
        base = _base([str(one) for one in found["bases"][:50]], ends_a_loop)
        frames = tuple(str(frame)[:MAX_FRAME] for frame in found["frames"][:MAX_FRAMES])
        number = found.get("number") if type(found.get("number")) is int else None
    except (TypeError, KeyError) as error:
        raise ValueError(f"not an exception: {type(error).__name__}") from error
    members = {"__init__": _quiet, "said": message, "frames": frames, "number": number}
    members["__module__"] = "__main__"
    kind = type(name if is_name(name) and name not in OF_THE_GRADER else "Exception", (FarError, base), members)
    made = kind()
    assert isinstance(made, BaseException)
    return made


def is_name(name: object) -> bool:
    """Tell whether a name from the other end can be the name of something here."""
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name) and len(name) <= 100


def _quiet(self: BaseException) -> None:
    """Take nothing: some builtin exceptions insist on arguments."""


def _base(names: list[str], ends_a_loop: bool) -> type[BaseException]:
    """Return what to stand on: the first that is known here, in the order in which they stand on one another."""
    for name in names:
        if name in OF_THE_LIBRARY:
            return OF_THE_LIBRARY[name]
        kind = getattr(builtins, name, None)
        if name in ENDS_IN_SILENCE and not (ends_a_loop and name == "StopIteration"):
            return RuntimeError
        if name not in ASKS_FOR_MORE and isinstance(kind, type) and issubclass(kind, BaseException):
            return kind
    return Exception
