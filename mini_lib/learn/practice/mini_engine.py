"""Notebook 08: where a token's KV lies, and in which order two contestants are measured."""

from __future__ import annotations

from itertools import pairwise

from mini_lib.learn.exercise import Case, Exercise, Misconception, Outcome, answers
from mini_lib.learn.values import Plain

SLOT_OF = Exercise(
    id="08/slot_of",
    title="Exercise 8.1",
    wants="one integer back: the slot in which the token's KV lies",
    cases=(
        Case((0, [5, 2, 9], 4), 20),
        Case((3, [5, 2, 9], 4), 23),
        Case((4, [5, 2, 9], 4), 8),
        Case((10, [5, 2, 9], 4), 38),
        Case((5, [7, 3, 1, 4, 2, 6], 1), 6),
    ),
    misconceptions=(
        Misconception(
            "takes the position for the slot",
            "You answer with the position itself. That is where a token stands in its text; its block may lie "
            "anywhere, and `block_ids` says where.",
            answers({0: 0, 1: 3, 2: 4}),
            see="Memory in blocks",
        ),
        Misconception(
            "forgets the size of a block",
            "Position 0 lies in block 5, and you answer 5: block 5 begins after five blocks of 4 slots each.",
            answers({0: 5, 1: 8}),
            see="Memory in blocks",
        ),
        Misconception(
            "always the start of the block",
            "Position 3 is the last of its block, and you send it to the block's first slot: four tokens would "
            "overwrite one another.",
            answers({0: 20, 1: 20, 2: 8}),
            see="Memory in blocks",
        ),
        Misconception(
            "blocks lie one behind the other",
            "Position 4 is in the request's second block, and that is block 2, not the one behind block 5.",
            answers({0: 20, 1: 23, 2: 24}),
            see="Memory in blocks",
        ),
    ),
    right="In words: the block that holds the position, and the place inside it.",
    hints=(
        "Two questions: which of the request's blocks holds the position, and at which place inside it?",
        "`divmod(position, block_size)` answers both.",
        "`block_ids[position // block_size] * block_size + position % block_size`.",
    ),
    difficulty=2,
    importance=4,
    minutes=5,
)


def _order(answer: object) -> str:
    """Return an order of runs as text, "ABBA"; empty where it is something else."""
    named = isinstance(answer, str) or (isinstance(answer, list) and all(isinstance(one, str) for one in answer))
    return "".join(answer) if named and isinstance(answer, str | list) else ""


def _lateness(order: str) -> float:
    """Return by how many places B comes later than A on average; only for as many As as Bs."""
    return sum(place if name == "B" else -place for place, name in enumerate(order)) / (len(order) / 2)


def _is_fair(order: str, rounds: int) -> bool:
    return sorted(order) == ["A"] * rounds + ["B"] * rounds and _lateness(order) == 0


def _takes_turns(order: str, rounds: int) -> bool:
    """Tell whether neighbours differ as often as in ABBA ABBA; in long blocks they do not."""
    return sum(one != other for one, other in pairwise(order)) >= rounds


def _fair(yours: Plain, expected: Plain) -> bool:
    order, right = _order(yours), _order(expected)
    return _is_fair(order, len(right) // 2) and _takes_turns(order, len(right) // 2)


def _orders(outcomes: tuple[Outcome, ...]) -> list[tuple[str, int]]:
    return [(_order(outcome.value), len(str(outcome.case.expected)) // 2) for outcome in outcomes]


RUN_ORDER = Exercise(
    id="08/run_order",
    title="Exercise 8.2",
    wants='a text back: "A" and "B", `rounds` times each, in the order in which they are run',
    cases=(Case((2,), "ABBA"), Case((4,), "ABBAABBA"), Case((6,), "ABBAABBAABBA")),
    misconceptions=(
        Misconception(
            "one after the other",
            "First all A, then all B. The machine becomes slower while you measure, and B gets all of that: you would "
            "publish the weather.",
            lambda outcomes: all(order == "A" * n + "B" * n for order, n in _orders(outcomes)),
            see="How to design a measurement",
        ),
        Misconception(
            "B is always one later",
            "A and B in turns is nearly right. But every B comes one run after its A, so on a machine that slows down "
            "B is slower by one run's worth. Turn every other pair around.",
            lambda outcomes: all(order == "AB" * n for order, n in _orders(outcomes)),
            see="How to design a measurement",
        ),
        Misconception(
            "not as many of both",
            "A and B must run equally often, `rounds` times each.",
            lambda outcomes: all(order and sorted(order) != ["A"] * n + ["B"] * n for order, n in _orders(outcomes)),
        ),
        Misconception(
            "long blocks",
            "On average A and B come equally late, and that is fair to a steady drift. But half of your runs of one "
            "kind stand together: a disturbance of a second hits one contestant alone. Change more often.",
            lambda outcomes: _is_fair(*_orders(outcomes)[-1]) and not _takes_turns(*_orders(outcomes)[-1]),
        ),
    ),
    right="In words: take turns, and let each be first equally often.",
    hints=(
        "Suppose that every run takes 1 us longer than the run before. For which order do A and B get equally much?",
        "For two rounds: A B B A. The As are run 0 and run 3, the Bs are 1 and 2.",
        '`"ABBA"`, repeated `rounds // 2` times.',
    ),
    agrees=_fair,
    difficulty=2,
    importance=4,
    minutes=5,
)
