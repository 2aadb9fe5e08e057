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
        Misconception(
            "names the block",
            "Position 0 lies in block 5, and you answer 5. That is the block; asked is the slot, and a block has "
            "`block_size` of them.",
            answers({0: 5, 1: 5, 2: 2}),
            see="Memory in blocks",
        ),
        Misconception(
            "adds the whole position",
            "Position 4 is the first of its block, block 2, and so lies in that block's first slot. Add the place "
            "inside the block, not the position in the text.",
            answers({0: 20, 1: 23, 2: 12}),
            see="Memory in blocks",
        ),
        Misconception(
            "counts blocks from 1",
            "Block 5 begins behind five blocks, at slot 20. Block 0 is one of them: it belongs to nobody, and it has "
            "slots like any other.",
            answers({0: 16, 1: 19, 2: 4}),
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


def _who_is_late(orders: list[tuple[str, int]]) -> str:
    """Return a sentence on the first order in which one of the two comes later, on average."""
    order = next(order for order, _ in orders if _lateness(order) != 0)
    late, early = ("B", "A") if _lateness(order) > 0 else ("A", "B")
    return (
        f"Number the runs of {order} from 0: the places of {late} add up to more than those of {early}, so a steady "
        f"drift costs {late} more."
    )


def _orders(outcomes: tuple[Outcome, ...]) -> list[tuple[str, int]]:
    return [(_order(outcome.value), len(str(outcome.case.expected)) // 2) for outcome in outcomes]


RUN_ORDER = Exercise(
    id="08/run_order",
    title="Exercise 8.2",
    wants='a text back: "A" and "B", `rounds` times each, in the order in which they are run',
    cases=(Case((2,), "ABBA"), Case((4,), "ABBAABBA"), Case((6,), "ABBAABBAABBA")),
    misconceptions=(
        Misconception(
            "other letters",
            'The order is made of the letters "A" and "B", capital ones, and nothing else: no spaces, no commas.',
            lambda outcomes: any(set(order) - {"A", "B"} for order, _ in _orders(outcomes)),
        ),
        Misconception(
            "not as many of both",
            "A and B must run equally often, `rounds` times each.",
            lambda outcomes: (
                all(order for order, _ in _orders(outcomes))
                and any(sorted(order) != ["A"] * n + ["B"] * n for order, n in _orders(outcomes))
            ),
        ),
        Misconception(
            "one after the other",
            "First all of one, then all of the other. The machine becomes slower while you measure, and whoever runs "
            "second gets all of that: you would publish the weather.",
            lambda outcomes: all(order in ("A" * n + "B" * n, "B" * n + "A" * n) for order, n in _orders(outcomes)),
            see="How to design a measurement",
        ),
        Misconception(
            "the same one is always later",
            "Taking turns is nearly right. But in every pair it is the same one that comes second, so on a machine "
            "that slows down it is slower by one run's worth. Turn every other pair around.",
            lambda outcomes: all(order in ("AB" * n, "BA" * n) for order, n in _orders(outcomes)),
            see="How to design a measurement",
        ),
        Misconception(
            "one comes later on average",
            lambda outcomes: _who_is_late(_orders(outcomes)),
            lambda outcomes: any(order and _lateness(order) != 0 for order, _ in _orders(outcomes)),
            see="How to design a measurement",
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
