"""Answers as plain data: what a student's function gave back, with everything clever taken off.

An answer is compared after `plain` has rebuilt it from None, bool, int, float, str, list and dict. A numpy integer
becomes the int that it stands for, a tuple becomes a list, a subclass becomes its base: an object whose `__eq__`
says yes to everything is then only what it holds. What cannot be rebuilt (a tensor, an array, a generator) is
refused with a sentence. The same rules let an answer cross to another process and back unchanged.

>>> plain((1, 2)), same([True], [1])
([1, 2], False)
"""

from __future__ import annotations

import math
import operator
from numbers import Integral, Real
from typing import TypeAlias, cast

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[Plain, Plain] | None"

_ALREADY = frozenset((float, int, str, bool))
MAX_SHOWN = 12  # values of a list that a sentence can carry


class NotPlain(TypeError):
    """A value that is not plain data; the message names its type and the way out."""


def plain(value: object) -> Plain:
    """Return `value` rebuilt as plain data; tuples become lists, numpy scalars Python numbers.

    Raises:
        NotPlain: `value` is, or holds, something else, or a list that holds itself.
    """
    try:
        return _rebuilt(value)
    except RecursionError:
        raise NotPlain("a list that holds itself, or is nested too deeply") from None


def _rebuilt(value: object) -> Plain:
    if type(value) in _ALREADY:
        return cast("Plain", value)  # most of what is asked; what follows knows subclasses, and takes longer
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list | tuple):
        return [_rebuilt(item) for item in value]
    if isinstance(value, dict):
        return {_hashable(_rebuilt(key)): _rebuilt(item) for key, item in value.items()}
    return _number(value)


def _number(value: object) -> Plain:
    if isinstance(value, Integral):
        return operator.index(value)
    if isinstance(value, Real):
        return float(value)
    if _is_numpy_bool(value):
        return bool(value)
    raise NotPlain(_what_it_is(value))


def _is_numpy_bool(value: object) -> bool:
    """Tell a numpy bool without importing numpy: its name is `bool_` before numpy 2 and `bool` since."""
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_")


def _hashable(key: Plain) -> Plain:
    """Return a dict's key; a tuple key, rebuilt as a list, becomes its text so that it can be a key again."""
    return repr(key) if isinstance(key, list | dict) else key


def _what_it_is(value: object) -> str:
    name = type(value).__name__
    if value is ...:
        return "dots (`...`) that are still to be filled in"
    if hasattr(value, "tolist"):
        return f"a {name}; return plain numbers or lists instead (`.tolist()`)"
    if hasattr(value, "__iter__"):
        return f"a {name}; return a plain list instead (`list(...)`)"
    return f"a {name}, which is not plain data"


def same(yours: Plain, expected: Plain) -> bool:
    """Tell whether two plain values agree in shape and in content.

    True is not 1, and 8.0 is not the integer 8. Where a float is expected an int will do, and two floats agree
    within 1e-9 of their size, because two right ways of summing may differ in the last bit; NaN agrees with NaN.
    """
    if isinstance(expected, float):
        return _close(yours, expected)
    if type(yours) is not type(expected):
        return False
    if isinstance(expected, list):
        assert isinstance(yours, list)
        return len(yours) == len(expected) and all(map(same, yours, expected))
    if isinstance(expected, dict):
        assert isinstance(yours, dict)
        return yours.keys() == expected.keys() and all(same(yours[key], expected[key]) for key in expected)
    return yours == expected


def _close(yours: Plain, expected: float) -> bool:
    if isinstance(yours, bool) or not isinstance(yours, int | float):
        return False
    if math.isnan(expected):
        return math.isnan(yours)
    return math.isclose(yours, expected, rel_tol=1e-9, abs_tol=1e-12)


def shown(value: object) -> str:
    """Return `value` as a sentence carries it: a long list is cut, and says how long it is."""
    if isinstance(value, list) and len(value) > MAX_SHOWN:
        head = ", ".join(repr(item) for item in value[: MAX_SHOWN - 2])
        return f"[{head}, ..., {value[-1]!r}] ({len(value)} values)"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:190]}... ({len(text)} characters)"


def difference(yours: Plain, expected: Plain) -> str:
    """Return where two long lists part, as the end of a sentence; "" where both are short enough to see it."""
    if not (isinstance(yours, list) and isinstance(expected, list)) or max(len(yours), len(expected)) <= MAX_SHOWN:
        return ""
    for place, (mine, right) in enumerate(zip(yours, expected, strict=False)):
        if not same(mine, right):
            return f" They part at position {place}: {shown(right)} in the answer, {shown(mine)} in yours."
    return f" They agree on the first {min(len(yours), len(expected))} values, then one of them ends."
