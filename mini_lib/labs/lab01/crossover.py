"""Exercise 1.4: the smallest batch at which a step is GPU-bound."""

from __future__ import annotations

from mini_lib.labs.signatures import Recognises, any_case, gave, raises_on
from mini_lib.learn import Case, Exercise, Misconception, answers

_UNEVEN, _GRAPH, _EXACT, _BEYOND, _AT_ONCE, _NO_ROWS, _LARGEST, _ONE_ABOVE = range(8)  # places in the cases below
_GROWS, _LANES, _EDGE, _LAUNCH = "What grows with the batch", "Two lanes, a whole step", "At least as long", "A graph"

COSTS = {"host_us": 44.0, "launch_us": 7.5, "gap_us": 1.0, "graph_launch_us": 2.5, "graph_gap_us": 0.5}
KERNELS = [[3.0, 0.25], [5.0, 0.5]] * 4


def _host(us: float) -> dict[str, float]:
    return {**COSTS, "host_us": us}


def _one_of(place: int, *wrong: int) -> Recognises:
    return gave(place, lambda value: type(value) is int and value in wrong)


_ROWS = (
    Misconception(
        "weights for every row",
        "For the eight kernels of the example you say 3: you take the weights once for each row. They are read once, "
        "however many rows use them; only row_us is paid by each row.",
        answers({_UNEVEN: 3}),
        see=_GROWS,
    ),
    Misconception(
        "forgets the weights",
        "For the eight kernels of the example you say 32. The weights are missing: 32 us that the GPU works at any "
        "batch.",
        answers({_UNEVEN: 32, _GRAPH: 15}),
        see=_GROWS,
    ),
    Misconception(
        "powers of two",
        "For the eight kernels of the example you say 32: you try powers of two. Every batch may come, and 22 will do.",
        answers({_UNEVEN: 32, _GRAPH: 4}),
        see=_EDGE,
    ),
    Misconception(
        "counts launches",
        "You say 8, which is the number of kernels. You compare numbers of launches and rows; compare times.",
        answers({_UNEVEN: 8, _GRAPH: 8}),
        see=_LANES,
    ),
    Misconception(
        "asks each kernel",
        "You ask it of each kernel by itself. A short kernel may wait for its launch and a long one make up for it: "
        "what counts is the sum over the step.",
        lambda outcomes: _one_of(_UNEVEN, 36, 14)(outcomes),
        see=_LANES,
    ),
)

_SUMS = (
    Misconception(
        "no gaps",
        "For the eight kernels of the example you say 24: the gaps are missing, or you take one for the whole step. "
        "Every kernel has one, 8 us in all.",
        answers({_UNEVEN: 24, _GRAPH: 5}),
        see=_LANES,
    ),
    Misconception(
        "one launch",
        "For the eight kernels of the example you say 4. One launch for the whole step is a graph; eagerly each of the "
        "eight kernels takes a launch.",
        answers({_UNEVEN: 4, _GRAPH: 4}),
        see=_LANES,
    ),
    Misconception(
        "forgets the host",
        "For the eight kernels of the example you say 7. The CPU's other work is missing: host_us is in every step, "
        "eager or with a graph.",
        answers({_UNEVEN: 7}),
        see=_LANES,
    ),
    Misconception(
        "whatever the mode",
        "You say 22 whatever the mode is. With a graph the CPU makes one launch in place of eight.",
        answers({_UNEVEN: 22, _GRAPH: 22}),
        see=_LAUNCH,
    ),
    Misconception(
        "a graph launch for each kernel",
        "With a graph you say 10: a graph launch for each kernel. One launch brings all of its kernels.",
        answers({_UNEVEN: 22, _GRAPH: 10}),
        see=_LAUNCH,
    ),
    Misconception(
        "the eager gap in a graph",
        "With a graph you say 3, which is the answer with gaps of 1 us. Kernels inside a graph keep the graph's gap, "
        "0.5 us here.",
        answers({_UNEVEN: 22, _GRAPH: 3}),
        see=_LAUNCH,
    ),
)

_EDGES = (
    Misconception(
        "no whole number",
        "You gave a fraction back. A batch is a whole number: the first one at which the GPU takes at least as long.",
        any_case(lambda outcome: isinstance(outcome.value, float)),
        see=_EDGE,
    ),
    Misconception(
        "one too small",
        "For the eight kernels of the example you say 21. At batch 21 the CPU still takes longer: 104 us against 103.",
        answers({_UNEVEN: 21}),
        see=_EDGE,
    ),
    Misconception(
        "one too large",
        "For the eight kernels of the example you say 23, and already at batch 22 the GPU takes longer: 106 us against "
        "104.",
        answers({_UNEVEN: 23}),
        see=_EDGE,
    ),
    Misconception(
        "strictly longer",
        "With host_us 40 you say 21. At batch 20 the GPU takes 32 us for weights, 8 for gaps and 60 for rows, the CPU "
        "40 and 60: exactly as long, and that is enough.",
        answers({_UNEVEN: 22, _EXACT: 21}),
        see=_EDGE,
    ),
    Misconception(
        "below 1",
        "Two long kernels, 20 and 30 us for their weights alone: the GPU takes longer at any batch. The answer is the "
        "smallest batch there is, 1.",
        gave(_AT_ONCE, lambda value: isinstance(value, int) and value < 1),
        see=_EDGE,
    ),
    Misconception(
        "no rows",
        "For kernels with row_us 0 your function raises an exception. None of its kernels grows with the batch, so no "
        "batch makes this step GPU-bound: None.",
        raises_on(_NO_ROWS),
        see=_EDGE,
    ),
    Misconception(
        "beyond the largest batch",
        "With host_us 300 you give a batch back that is not allowed, and no batch up to 64 makes this step GPU-bound: "
        "None. A batch of 107 never comes.",
        lambda outcomes: _one_of(_BEYOND, 107, 64)(outcomes),
        see=_EDGE,
    ),
    Misconception(
        "one above the largest batch",
        "With max_batch 21 you say 22. A batch of 22 never comes: None.",
        answers({_UNEVEN: 22, _BEYOND: None, _ONE_ABOVE: 22}),
        see=_EDGE,
    ),
    Misconception(
        "stops before the largest batch",
        "With max_batch 22 you say None. A batch of 22 does come: the largest batch itself belongs to the search.",
        answers({_UNEVEN: 22, _LARGEST: None}),
        see=_EDGE,
    ),
)

CROSSOVER = Exercise(
    id="crossover_batch",
    title="1.4 Crossover batch",
    wants="one whole number: the smallest batch at which the GPU takes at least as long as the CPU, or None",
    cases=(
        Case((KERNELS, COSTS, "eager", 512), 22),
        Case((KERNELS, COSTS, "graph", 512), 4),
        Case((KERNELS, _host(40.0), "eager", 512), 20),
        Case((KERNELS, _host(300.0), "eager", 64), None),
        Case(([[20.0, 1.0], [30.0, 0.5]], _host(10.0), "eager", 512), 1),
        Case(([[3.0, 0.0], [2.0, 0.0]], COSTS, "eager", 512), None),
        Case((KERNELS, COSTS, "eager", 22), 22),
        Case((KERNELS, COSTS, "eager", 21), None),
    ),
    misconceptions=(*_ROWS, *_SUMS, *_EDGES),
    right="In words: a larger batch makes the GPU's lane longer and leaves the CPU's as it is, until they are equal.",
    hints=(
        "Two sums for a whole step: what the CPU does, which no batch changes, and what the GPU does at a batch b.",
        "CPU: host_us, and either a launch for each kernel or one graph launch. GPU: for each kernel weights_us + b * "
        "row_us, and a gap, that of the mode. Which is the first b from 1 to max_batch at which the GPU's sum is at "
        "least the CPU's?",
        "A loop will do: for batch in range(1, max_batch + 1): if gaps_us + sum(w + batch * r for w, r in kernels) >= "
        "cpu_us: return batch. After the loop, return None.",
    ),
    difficulty=3,
    importance=5,
    minutes=9,
    points=3,
)
