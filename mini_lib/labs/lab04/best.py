"""Exercise 4.5: the ladder with the fewest padded rows that three budgets allow.

The visible cases hold their best ladders as data, found by trying all. What a ladder costs is not computed here: that
is what the student writes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mini_lib.labs.lab04.ladders_shown import COST
from mini_lib.labs.lab04.pictures import staircase
from mini_lib.labs.lab04.traffic import TRAFFIC, Histogram
from mini_lib.labs.signatures import Recognises, any_case, arguments, gave
from mini_lib.learn import Case, Exercise, Misconception, Outcome, answers, shown

_GRAPHS, _MEMORY, _STARTUP, _ALL, _NONE = range(5)  # places in the cases below
_BUDGETS, _POOL = "Three budgets, one number", "The pool is paid first"
_BEST, _LEGAL = "Best, not better", "A legal ladder"
_POWERS = {2**exponent for exponent in range(10)}

_ROOMY = {"num_graphs": 9, "memory_mib": 4000, "startup_ms": 9000}
_COST = {"mib_per_row": 1, "mib_per_graph": 10, "ms_per_graph": 400}
_FIRST: Histogram = {2: 30, 3: 40, 4: 25, 6: 5, 15: 30, 17: 25}
_SECOND: Histogram = {19: 25, 4: 12, 13: 12, 5: 2, 15: 5, 9: 12}
_THIRD: Histogram = {3: 12, 5: 15, 6: 2, 14: 6, 18: 5, 20: 20}


def _one_of(yours: Any, expected: Any) -> bool:
    return isinstance(yours, list) and _ladder(yours) == yours and yours in expected


def _differs(outcome: Outcome) -> str:
    histogram, budget, _ = arguments(outcome)
    expected: Any = outcome.case.expected
    best = expected[0]
    if not best:
        return f"The budgets allow no graph at all, so the ladder is empty; yours is {shown(outcome.value)}."
    return (
        f"For {shown(histogram)} and the budget {shown(budget)} the ladder with the fewest padded rows "
        f"is {best}, yours is {shown(outcome.value)}. Count the padded rows of both by hand, batch by batch."
    )


_CHOSE = f"With three graphs for {_FIRST} you chose"


def _ladder(value: Any) -> list[int]:
    """Return an answer that is a list of whole numbers, and [] for any other."""
    return value if isinstance(value, list) and all(type(size) is int for size in value) else []


def _largest_left_out(outcome: Outcome) -> bool:
    ladder = _ladder(outcome.value)
    return bool(ladder) and max(ladder) < max(arguments(outcome)[0])


def _never_ridden(outcome: Outcome) -> bool:
    """Tell a ladder with a size between which and the next smaller one no batch lies."""
    steps = pairwise([0, *sorted(_ladder(outcome.value))])
    return any(not any(low < batch <= high for batch in arguments(outcome)[0]) for low, high in steps)


def _powers_of_two(outcomes: tuple[Outcome, ...]) -> bool:
    ladders = [_ladder(outcome.value) for outcome in outcomes[:_ALL]]
    return all(len(ladder) > 1 and set(ladder[:-1]) <= _POWERS for ladder in ladders)


def _too_many(place: int) -> Recognises:
    """Return a test for more sizes on the case at `place` than the one budget that binds there allows: three."""
    return gave(place, lambda value: len(value) > 3)


BEST_SIZES = Exercise(
    id="best_sizes",
    title="4.5 The best ladder",
    wants="an ascending list of sizes back that covers the largest batch, keeps three budgets, pads the fewest rows",
    cases=(
        Case((_FIRST, {**_ROOMY, "num_graphs": 3}, _COST), [[3, 6, 17]]),
        Case((_SECOND, {**_ROOMY, "memory_mib": 54}, _COST), [[5, 13, 19]]),
        Case((_THIRD, {**_ROOMY, "startup_ms": 1500}, _COST), [[5, 14, 20]]),
        Case(({12: 9, 7: 5}, _ROOMY, _COST), [[7, 12]]),
        Case((_SECOND, {**_ROOMY, "memory_mib": 28}, _COST), [[]]),
    ),
    misconceptions=(
        Misconception(
            "largest batch left out",
            "Your ladder ends below the largest batch of the histogram, so the most expensive step of all runs "
            "eagerly.",
            any_case(_largest_left_out),
            see=_LEGAL,
        ),
        Misconception(
            "powers of two",
            "Your ladder is made of powers of two whatever the traffic is. Where no batch needs 8, do not capture 8: "
            "look at which batches occur, and how often.",
            _powers_of_two,
            see=_BEST,
        ),
        Misconception(
            "equal steps",
            "For batches 2 to 17 and three graphs you chose [6, 12, 17]: equal steps. Traffic is not equal: put the "
            "sizes where the steps are.",
            answers({_GRAPHS: [6, 12, 17]}),
            see=_BEST,
        ),
        Misconception(
            "ignores the number of graphs",
            "With num_graphs=3 your ladder has more than three sizes.",
            _too_many(_GRAPHS),
            see=_BUDGETS,
        ),
        Misconception(
            "ignores the memory of the pool",
            "With memory_mib=54 you capture five graphs. Their shared pool needs 19 rows x 1 MiB first, and what "
            "is left holds three graphs of 10 MiB.",
            gave(_MEMORY, lambda value: len(value) == 5),
            see=_POOL,
        ),
        Misconception(
            "ignores memory",
            "With memory_mib=54 three graphs fit: 19 MiB of pool and 3 x 10 MiB. Yours has more and runs out of "
            "memory.",
            _too_many(_MEMORY),
            see=_BUDGETS,
        ),
        Misconception(
            "ignores start-up time",
            "With startup_ms=1500 and 400 ms a graph three graphs can be captured in time. Yours has more.",
            _too_many(_STARTUP),
            see=_BUDGETS,
        ),
        Misconception(
            "a size nobody rides in",
            "Your ladder has a size that no batch rides in. Its graph is captured, takes its memory and its "
            "seconds, and is never replayed: a key counts only if it can be reached.",
            any_case(_never_ridden),
            see=_LEGAL,
        ),
        Misconception(
            "greedy",
            f"{_CHOSE} [3, 4, 17]: at each step the size that saves the most rows now. The "
            "second choice makes the first one poor, and [3, 6, 17] saves more than both.",
            answers({_GRAPHS: [3, 4, 17]}),
            see=_BEST,
        ),
        Misconception(
            "drops the least useful",
            f"{_CHOSE} [4, 15, 17]: from all sizes you drop the one that is missed least, "
            "again and again. What was dropped early would be worth keeping later: [3, 6, 17] pads fewer rows.",
            answers({_GRAPHS: [4, 15, 17]}),
            see=_BEST,
        ),
        Misconception(
            "steps counted once",
            "Your ladder is the best one for a day on which each batch size occurs once. Weigh the padding of each "
            "batch size with its number of steps.",
            answers({_STARTUP: [6, 14, 20]}),
            see="A histogram is a weight",
        ),
        Misconception(
            "a graph too few",
            "With three graphs you chose [4, 17], the best ladder of two sizes: one graph is left over.",
            answers({_GRAPHS: [4, 17], _MEMORY: [9, 19]}),
            see=_BUDGETS,
        ),
        Misconception(
            "no graph fits",
            "With memory_mib=28 the pool takes 19 MiB and 9 MiB are left: no graph of 10 MiB fits. The answer is [], "
            "and yours is another: everything runs eagerly.",
            lambda outcomes: outcomes[_NONE].value != [] and all(o.value in o.case.expected for o in outcomes[:_NONE]),  # type: ignore[operator]
            see=_POOL,
        ),
        Misconception(
            "most frequent batches",
            f"{_CHOSE} [2, 3, 17], the batches that occur most. The others are then padded up "
            "to 17, and there are many of them.",
            answers({_GRAPHS: [2, 3, 17]}),
            see=_BEST,
        ),
        Misconception(
            "equal shares of the steps",
            f"{_CHOSE} [3, 15, 17], each size with about the same number of steps. What "
            "counts is not how many steps ride, but how far each is padded.",
            answers({_GRAPHS: [3, 15, 17]}),
            see=_BEST,
        ),
    ),
    right="In words: three budgets come to one number of graphs, and the best ladder ends in a best smaller ladder.",
    hints=(
        "First turn three budgets into one number of graphs. Then think of the last size only: it is the largest "
        "batch, and it serves all batches above the size before it. What is left is the same question with one "
        "graph fewer.",
        "Let best(j, g) be the fewest padded rows for the batches up to the j-th smallest with g graphs. It is the "
        "minimum over i of best(i, g - 1) plus the rows lost by padding batches i+1 to j up to the j-th.",
        "Fill that table for g = 1, 2, ... and keep with each entry the list of sizes that led to it. Return [] when "
        "the number of graphs is below 1, and never use more graphs than there are batch sizes.",
    ),
    picture=lambda outcomes: staircase(outcomes[_GRAPHS].value, _FIRST, " where num_graphs is 3"),
    agrees=_one_of,
    differs=_differs,
    difficulty=5,
    importance=4,
    minutes=20,
    points=5,
)


def _legal(yours: Any, expected: Any) -> bool:
    """Tell whether a ladder for TRAFFIC is legal; whether it is good is for the student to count."""
    return (
        yours == sorted(set(_ladder(yours)))
        and 0 < len(yours) <= expected["num_graphs"]
        and yours[-1] == expected["largest"]
    )


def _illegal(outcome: Outcome) -> str:
    limits: Any = outcome.case.expected
    return (
        f"For this day a legal ladder is ascending, has at most {limits['num_graphs']} sizes and ends at "
        f"{limits['largest']}; yours is {shown(outcome.value)}."
    )


BEST_SIZES_AT_SCALE = Exercise(
    id="best_sizes",
    title="4.5 The best ladder, at scale",
    wants="a ladder for a day's traffic with 147 different batch sizes, in a second or two",
    cases=tuple(
        Case(
            (TRAFFIC, {"num_graphs": num_graphs, "memory_mib": 4000, "startup_ms": 9000}, COST),
            {"num_graphs": num_graphs, "largest": max(TRAFFIC)},
        )
        for num_graphs in (8, 2)
    ),
    right="That says they are legal, not that they are the best: how good they are, the next cell shows. "
    "The grader draws other traffic and gives all points at the least possible number, none from 10 % above it.",
    hints=BEST_SIZES.hints,
    picture=lambda outcomes: staircase(outcomes[0].value, TRAFFIC),
    agrees=_legal,
    differs=_illegal,
    difficulty=5,
    importance=4,
    minutes=5,
    points=3,
)
