"""Places that are given out and come back: the rows of the request pool, and the blocks of the KV cache.

What came back last is given out first, while its memory is warm. It also means that a place is in new hands at once,
so that whoever still writes to it is found out.

>>> blocks = FreeList("KV block", 3)
>>> blocks.take(2), len(blocks)
([1, 2], 1)
>>> blocks.give_back([1])
>>> blocks.take(2)
[1, 3]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class FreeList:
    """The free ones of the places 1 .. `count`. Place 0 is not among them: padding lives there."""

    def __init__(self, what: str, count: int) -> None:
        self._what = what
        self._count = count
        self._free = list(range(count, 0, -1))
        self._taken: set[int] = set()

    def __len__(self) -> int:
        return len(self._free)

    def take(self, count: int = 1) -> list[int]:
        """Return `count` places that nobody else has.

        Raises:
            ValueError: fewer are free.
        """
        if count > len(self._free):
            raise ValueError(f"{count} of {self._what}s wanted and {len(self._free)} of {self._count} free: ask first.")
        kept = len(self._free) - count
        taken = self._free[kept:][::-1]
        del self._free[kept:]
        self._taken.update(taken)
        return taken

    def give_back(self, places: Iterable[int]) -> None:
        """Take `places` back.

        Raises:
            ValueError: one of them is free already, or is no place: two owners would write to the same memory.
        """
        returned = list(places)
        mine = set(returned)
        if len(mine) < len(returned) or not mine <= self._taken:
            self._refuse(returned)
        self._taken -= mine
        self._free += returned

    def _refuse(self, places: Sequence[int]) -> None:
        """Name the first of `places` that nobody has, or that is among them twice."""
        twice = (place for count, place in enumerate(places) if place in places[:count])
        wrong = next((place for place in places if place not in self._taken), None) or next(twice)
        raise ValueError(f"{self._what} {wrong} was given back, and nobody had it: freed twice?")
