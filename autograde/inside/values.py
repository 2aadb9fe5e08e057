"""What crosses between a student's process and the tester: plain data as JSON, everything else as a handle.

    None, bool, int, float, str, list      as JSON has them
    tuple, dict, set, bytes, complex, ...  an object with one key, the tag: {"t": [1, 2]}
    any other object                       {"mine": {...}}: it stays where it is, and a number crosses
    an object that came from over there    {"yours": 7}: goes home

A subclass crosses as its base, a numpy number as the number that it stands for, by the same rules as
`mini_lib.learn.plain`: what an answer pretends to be stays in its own process. More kinds (tensors) come as `Codec`s.
Both ways there is a most: of depth, of values, of digits. A value beyond it is refused with `NotPlain`, whose text ends
the sentence "Your function gave back ...".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from types import ModuleType
from typing import Any, Protocol

from mini_lib.learn.values import NotPlain

MAX_DEPTH = 100
MAX_VALUES = 200_000
MAX_CHARACTERS = 4_000_000  # in all texts of one value together
MAX_BITS = 13_000  # of a whole number: Python itself prints no more than 4300 digits
MAX_LENT = 100_000
WIDE = 2**63
AS_JSON = {float, bool, type(None)}

Json = Any
Handle = Mapping[str, Any]


class Codec(Protocol):
    """One more kind of value that crosses, under a tag of its own."""

    tag: str

    def takes(self, value: object) -> bool:
        """Tell whether this codec encodes `value`."""

    def encode(self, value: Any, border: Border) -> Json:
        """Return what crosses in place of `value`."""

    def decode(self, found: Json, border: Border) -> object:
        """Return what the other end meant. Raises ValueError where it is nothing of the kind."""


class Border:
    """One end of the wire: what it has lent to the other end, and how what comes from there looks here.

    `describe` tells of an object all that the other end may know; `mirror` makes what stands for one of theirs, and
    keeps its number as `__far__`.
    """

    def __init__(
        self,
        describe: Callable[[object], dict[str, Any]],
        mirror: Callable[[Handle], object],
        codecs: Iterable[Codec] = (),
    ) -> None:
        self._describe, self._mirror = describe, mirror
        self.codecs = {codec.tag: codec for codec in codecs}
        self.used: set[str] = set()  # tags of the codecs that encoded something since somebody last looked
        self._lent: dict[int, object] = {}
        self._numbers: dict[int, int] = {}
        self._mirrors: dict[int, object] = {}

    def encode(self, value: object) -> Json:
        """Return `value` as JSON can hold it.

        Raises:
            NotPlain: it holds itself, or too much.
        """
        return _Writing(self).of(value, 0)

    def decode(self, found: Json) -> Any:
        """Return the value that the other end encoded.

        Raises:
            ValueError: the other end sent what `encode` never writes.
        """
        try:
            return _Reading(self).of(found, 0)
        except (TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
            raise ValueError(f"not a value: {type(error).__name__}") from error

    def lend(self, value: object) -> Json:
        """Return the handle of an object that stays here."""
        far = getattr(value, "__far__", None)
        if type(far) is int and self._mirrors.get(far) is value:
            return {"yours": far}
        if isinstance(value, ModuleType):
            raise NotPlain("a module, which is not plain data")
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._lent) >= MAX_LENT:
                raise NotPlain(f"one object more than {MAX_LENT}, which is the most")
            number = len(self._lent) + 1
            self._lent[number] = value
            self._numbers[id(value)] = number
        return {"mine": {"number": number, **self._describe(value)}}

    def lent(self, number: Json) -> Any:
        """Return the object that was lent under this number. Raises ValueError where none was."""
        if type(number) is not int or number not in self._lent:
            raise ValueError("nothing was lent under this number")
        return self._lent[number]

    def codec_for(self, value: object) -> Codec | None:
        """Return the codec that encodes `value`, if there is one."""
        return next((codec for codec in self.codecs.values() if codec.takes(value)), None)

    def mirrored(self, handle: Handle) -> object:
        """Return what stands here for an object of theirs: the same for the same number."""
        number = handle["number"]
        if type(number) is not int:
            raise ValueError("the number of a handle is no number")
        if number not in self._mirrors:
            if len(self._mirrors) >= MAX_LENT:
                raise ValueError("more objects came than can be held")
            self._mirrors[number] = self._mirror(handle)
        return self._mirrors[number]


class _Writing:
    """One value on its way out: counts what it holds."""

    def __init__(self, border: Border) -> None:
        self.border, self.values, self.characters = border, 0, 0

    def _count(self, more: int) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            raise NotPlain(f"more than {MAX_VALUES:,} values, which is the most")

    def of(self, value: object, depth: int) -> Json:
        self._count(1)
        if depth > MAX_DEPTH:
            raise NotPlain("a list that holds itself, or is nested too deeply")
        if value is None or value is True or value is False or type(value) is float:
            return value
        if type(value) is int:
            return self._whole(value)
        return self._text(value) if isinstance(value, str) else self._more(value, depth + 1)

    def _more(self, value: object, depth: int) -> Json:
        codec = None if type(value) in (list, tuple, dict) else self.border.codec_for(value)
        if codec is not None:
            self.border.used.add(codec.tag)
            return {codec.tag: codec.encode(value, self.border)}
        if isinstance(value, list):
            return self._all(list.__iter__(value), depth)  # what it holds, not what it says that it holds
        if isinstance(value, tuple):
            return {"t": self._all(tuple.__iter__(value), depth)}
        if isinstance(value, dict):
            return {"d": [[self.of(key, depth), self.of(item, depth)] for key, item in dict.items(value)]}
        return self._number(value, depth)

    def _all(self, values: Iterable[object], depth: int) -> list[Json]:
        items: list[Any] = list(values)
        kinds = set(map(type, items))
        if kinds <= AS_JSON or (kinds == {int} and -WIDE < min(items) <= max(items) < WIDE):
            self._count(len(items))
            return items
        return [self.of(item, depth) for item in items]

    def _number(self, value: object, depth: int) -> Json:
        if isinstance(value, Integral):
            return self._whole(operator.index(value))
        if isinstance(value, Real):
            return float(value)
        if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
            return bool(value)
        return self._rare(value, depth)

    def _rare(self, value: object, depth: int) -> Json:
        if type(value) is bytes:
            return {"b": self._text(value.decode("latin-1"))}
        if type(value) is complex:
            return {"c": [value.real, value.imag]}
        if type(value) is set or type(value) is frozenset:
            return {"s" if type(value) is set else "fs": self._all(value, depth)}
        return {"e": 0} if value is ... else self.border.lend(value)

    def _whole(self, value: int) -> Json:
        if -WIDE < value < WIDE:
            return value
        if value.bit_length() > MAX_BITS:
            raise NotPlain("a number of more than 3,900 digits, which nobody can read")
        return {"i": hex(value)}

    def _text(self, value: str) -> str:
        self.characters += len(value)
        if self.characters > MAX_CHARACTERS:
            raise NotPlain(f"text of more than {MAX_CHARACTERS:,} characters, which is the most")
        return str.__str__(value)


class _Reading:
    """One value on its way in: believes nothing."""

    def __init__(self, border: Border) -> None:
        self.border, self.values = border, 0

    def of(self, found: Json, depth: int) -> Any:
        self.values += 1
        if self.values > 2 * MAX_VALUES or depth > MAX_DEPTH + 2:
            raise ValueError("a value that is too large, or nested too deeply")
        if isinstance(found, list):
            return self._all(found, depth + 1)
        if not isinstance(found, dict):
            return found
        ((tag, held),) = found.items()
        return self._tagged(tag, held, depth + 1)

    def _all(self, found: list[Json], depth: int) -> list[Any]:
        if type(found) is not list:
            raise ValueError("many values are a list")
        if not {list, dict}.isdisjoint(map(type, found)):
            return [self.of(item, depth) for item in found]
        self.values += len(found)
        return found.copy()

    def _tagged(self, tag: str, held: Json, depth: int) -> Any:
        if tag == "t":
            return tuple(self._all(held, depth))
        if tag == "d":
            return {self.of(key, depth): self.of(item, depth) for key, item in held}
        if tag in ("s", "fs"):
            one_by_one = (one for one in self._all(held, depth))  # so that the clock can stop it
            return set(one_by_one) if tag == "s" else frozenset(one_by_one)
        if tag == "yours":
            return self.border.lent(held)
        if tag == "mine":
            return self.border.mirrored(held)
        return self._scalar(tag, held)

    def _scalar(self, tag: str, held: Json) -> Any:
        if tag == "i":
            return int(held[: MAX_BITS // 4 + 4], 16)
        if tag == "c":
            return complex(float(held[0]), float(held[1]))
        if tag == "b":
            return held.encode("latin-1")
        return ... if tag == "e" else self.border.codecs[tag].decode(held, self.border)
