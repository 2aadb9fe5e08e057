"""Exercise 4.3: which share of the computed rows is padding."""

from __future__ import annotations

from mini_lib.labs.signatures import answer, any_case, raises_on
from mini_lib.learn import Case, Exercise, Misconception, answers

_UNEVEN, _EAGER, _NOTHING = 2, 3, 4  # places in the cases below
_SHARE = "What the share is a share of"

PADDING_WASTE = Exercise(
    id="padding_waste",
    title="4.3 Padding waste",
    wants="one number from 0 to 1 back: padded rows divided by computed rows, over all steps of the histogram",
    cases=(
        Case(([4, 8], {3: 10}), 10 / 40),
        Case(([1, 2, 4, 8], {1: 5, 2: 7}), 0.0),
        Case(([2, 8], {1: 6, 5: 2}), 12 / 28),
        Case(([4], {3: 2, 6: 5}), 2 / 38),
        Case(([2, 8], {}), 0.0),
        Case(([], {3: 4, 7: 2}), 0.0),
    ),
    misconceptions=(
        Misconception(
            "negative share",
            "Your share is negative for some traffic: a batch was given fewer rows than it has. If you call size_for, "
            "look at 4.2 first.",
            any_case(lambda outcome: answer(outcome) < 0),
            see="Padding goes up",
        ),
        Misconception(
            "divided by real rows",
            "For sizes [4, 8] and ten steps of 3 rows you say 1/3: ten padded rows for thirty real ones. Asked for "
            "is their share of all that was computed, which is forty rows.",
            answers({0: 10 / 30}),
            see=_SHARE,
        ),
        Misconception(
            "steps counted once",
            "For sizes [2, 8] and {1: 6, 5: 2} you say 0.4: you count each batch size once. Six steps had one row "
            "and two had five, and each step pays for its own padding.",
            answers({_UNEVEN: 4 / 10}),
            see="A histogram is a weight",
        ),
        Misconception(
            "mean of the shares",
            "For sizes [2, 8] and {1: 6, 5: 2} you say 0.46875, the mean of each step's own share. A step of eight "
            "rows costs four times a step of two: add up rows first, divide once.",
            answers({_UNEVEN: (6 * (1 / 2) + 2 * (3 / 8)) / 8}),
            see=_SHARE,
        ),
        Misconception(
            "padded rows per step",
            "For sizes [4, 8] and ten steps of 3 rows you say 1: one padded row a step. Divide by the rows that were "
            "computed, not by the steps.",
            answers({0: 1.0, _UNEVEN: 12 / 8}),
            see=_SHARE,
        ),
        Misconception(
            "share of steps",
            "You divide the steps that were padded by all steps. Asked for is a share of rows.",
            answers({0: 1.0, _UNEVEN: 1.0}),
            see=_SHARE,
        ),
        Misconception(
            "eager rows left out",
            "For sizes [4] and {3: 2, 6: 5} you say 1/4. The five steps of 6 rows run eagerly and waste nothing, but "
            "their thirty rows are computed and belong to the total.",
            answers({_EAGER: 2 / 8}),
            see="Eager rows count",
        ),
        Misconception(
            "eager rows cut off",
            "For sizes [4] and {3: 2, 6: 5} you give a batch of 6 a graph of 4 rows. Above the largest size a batch "
            "runs eagerly, with all of its rows.",
            answers({_EAGER: 2 / 28}),
            see="Eager rows count",
        ),
        Misconception(
            "None above the largest",
            "For sizes [4] and {3: 2, 6: 5} your function raises an exception. Six rows have no graph, size_for "
            "gives None, and with None you cannot reckon: such a step computes its six rows as they are.",
            raises_on(_EAGER),
            see="Eager rows count",
        ),
        Misconception(
            "no traffic",
            "With an empty histogram your function raises an exception. Where nothing was computed nothing was "
            "wasted: return 0.",
            raises_on(_NOTHING),
            see=_SHARE,
        ),
    ),
    right="In words: add up rows, padded and computed, and divide once at the end.",
    hints=(
        "You need two sums over the histogram: rows that are padding, and rows that are computed. A step of a batch "
        "that has a graph computes as many rows as the graph has.",
        "For each batch and its number of steps: computed += steps * size, padded += steps * (size - batch), where "
        "size is size_for(batch, sizes), or the batch itself where that is None.",
        "Return padded / computed if computed else 0.0.",
    ),
    difficulty=2,
    importance=4,
    minutes=6,
    points=3,
)
