"""Call a student's function in a cell that has no exercise of its own, whether or not it is written yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def attempt(fn: Callable[..., Any], *args: object) -> Any:
    """Return `fn(*args)`, or None after a sentence when the function is still the stub or raises."""
    try:
        return fn(*args)
    except NotImplementedError:
        print(f"{fn.__name__} is still the stub: this cell has more to show once it is written.")
    except Exception as error:  # whatever a student's function does, the notebook runs on
        print(f"{fn.__name__} raised {type(error).__name__}: {error}. This cell has more to show once it answers.")
    return None
