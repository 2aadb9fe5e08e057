"""Exercise 4.2: the size that a batch rides in."""

from __future__ import annotations

from mini_lib.labs.lab04.pictures import rides
from mini_lib.labs.signatures import Recognises, raises_on
from mini_lib.learn import Case, Exercise, Misconception, answers

_SIZES = [1, 2, 4, 8, 16]
_OVER, _EMPTY, _UNEVEN = 11, 12, 14  # places in the cases below, after the sweep 1 to 10
_UP, _ABOVE = "Padding goes up", "Above the largest size"


def _swept(wanted: dict[int, int]) -> Recognises:
    """Return a test for these answers on the sweep: {number of tokens: size}."""
    return answers({num_tokens - 1: size for num_tokens, size in wanted.items()})


SIZE_FOR = Exercise(
    id="size_for",
    title="4.2 Size lookup",
    wants="one integer back: the smallest capture size that holds `num_tokens`, or None where there is none",
    cases=(
        *(Case((n, _SIZES), size) for n, size in enumerate([1, 2, 4, 4, 8, 8, 8, 8, 16, 16], start=1)),
        Case((16, _SIZES), 16),
        Case((17, _SIZES), None),
        Case((3, []), None),
        Case((257, [256, 257, 272]), 257),
        Case((33, [8, 32, 40]), 40),
    ),
    misconceptions=(
        Misconception(
            "nearest",
            "For 5 tokens and sizes [1, 2, 4, 8, 16] you chose 4, for 7 tokens 8: the nearest size. The graph for "
            "4 has no room for the fifth row.",
            _swept({5: 4, 7: 8}),
            see=_UP,
        ),
        Misconception(
            "rounds down",
            "For 9 tokens and sizes [1, 2, 4, 8, 16] you chose 8. That graph has no room for the ninth row: you "
            "round down.",
            _swept({5: 4, 9: 8}),
            see=_UP,
        ),
        Misconception(
            "exact size goes to the next",
            "For 4 tokens and sizes [1, 2, 4, 8, 16] you chose 8, and 4 would do: a batch of exactly 4 rides in the "
            "graph for 4, without padding.",
            _swept({4: 8, 5: 8}),
            see=_UP,
        ),
        Misconception(
            "index, not size",
            "For 5 tokens and sizes [1, 2, 4, 8, 16] you gave 3 back, which is where the size stands in the list. "
            "Asked for is the size itself, 8.",
            _swept({5: 3, 8: 3}),
        ),
        Misconception(
            "next power of two",
            "For 33 tokens and sizes [8, 32, 40] you gave 64 back, which is no size of this ladder: you compute the "
            "next power of two and do not look at `sizes`.",
            answers({_UNEVEN: 64}),
            see=_UP,
        ),
        Misconception(
            "raises above the largest",
            "For 17 tokens and sizes up to 16 your function raises an exception. A batch above the largest size is "
            "nothing exceptional, it runs eagerly: return None.",
            raises_on(_OVER),
            see=_ABOVE,
        ),
        Misconception(
            "largest size above the largest",
            "For 17 tokens and sizes up to 16 you gave 16 back. The seventeenth row has no place there: return None, "
            "and the batch runs eagerly.",
            answers({_OVER: 16}),
            see=_ABOVE,
        ),
        Misconception(
            "unpadded above the largest",
            "For 17 tokens and sizes up to 16 you gave 17 back, but there is no graph for 17: a lookup under that "
            "key fails. Return None for eager.",
            answers({_OVER: 17}),
            see=_ABOVE,
        ),
        Misconception(
            "raises on no sizes",
            "With an empty list of sizes your function raises an exception. That is how an engine with "
            "enforce_eager=True looks: no graph, so None for every batch.",
            raises_on(_EMPTY),
            see=_ABOVE,
        ),
    ),
    right="In words: a batch may only ride in a graph at least as wide as itself.",
    hints=(
        "Which sizes have room for `num_tokens` rows? Of those you want the smallest, and the list is ascending.",
        "Walk through the sizes from the smallest and stop at the first that is at least `num_tokens`.",
        "The first item of `(size for size in sizes if size >= num_tokens)`, and None when it is empty: `next` takes "
        "a second argument for that.",
    ),
    picture=rides,
    difficulty=1,
    importance=5,
    minutes=4,
    points=2,
)
