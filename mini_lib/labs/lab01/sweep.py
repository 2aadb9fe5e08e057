"""Exercise 1.6: an unseen sweep, predicted from fitted costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mini_lib.labs.signatures import Recognises, arguments
from mini_lib.learn import Case, Exercise, Misconception, Outcome

# The fitted costs are within 1 % of the hidden ones, and the median of nine runs of even the shortest step, whose five
# spans vary by up to 7 % each, is within 3 % of the middle: together 4 %, and one more for what a right answer rounds.
TOLERANCE = 0.05

_PACE, _ENDS, _GROWS, _LAUNCH = "Who sets the pace", "Head and tail", "What grows with the batch", "A graph"
_SHORT, _SHORT_GRAPH, _SMALL, _SMALL_GRAPH, _LARGE, _LARGE_GRAPH, _LONG, _LONG_GRAPH = range(8)  # points of the sweep

FITTED = {"launch_us": 7.501, "gap_us": 0.99, "latency_us": 1.982, "graph_launch_us": 4.02, "graph_gap_us": 0.598}
KERNEL = {"weights_us": 2.0, "row_us": 0.06}
POINTS = [
    ["eager", 2, 4],
    ["graph", 2, 4],
    ["eager", 40, 4],
    ["graph", 40, 4],
    ["eager", 40, 256],
    ["graph", 40, 256],
    ["eager", 400, 24],
    ["graph", 400, 1],
]
RAN_US = [19.06, 10.91, 304.94, 119.13, 742.68, 722.25, 3004.49, 1070.08]  # simulated, with noise

OTHER_SERVER = (
    {"launch_us": 7.473, "gap_us": 0.991, "latency_us": 2.411, "graph_launch_us": 3.295, "graph_gap_us": 0.498},
    {"weights_us": 2.6, "row_us": 0.042},
    [["eager", 2, 16], ["graph", 40, 256], ["eager", 40, 24], ["graph", 3, 24], ["eager", 3, 16], ["graph", 2, 1]],
)
OTHER_RAN_US = [20.58, 557.78, 302.05, 17.49, 27.79, 11.48]


def close(yours: Any, expected: Any) -> bool:
    """Tell whether all times are within the tolerance of what the simulated runs took."""
    return len(yours) == len(expected) and all(
        not isinstance(mine, bool) and abs(mine / us - 1) <= TOLERANCE for mine, us in zip(yours, expected, strict=True)
    )


def _predicts(signature: Mapping[int, float]) -> Recognises:
    """Return a test for these predictions of the visible sweep, to half a per cent: {point: us}."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        times: Any = outcomes[0].value
        return all(math.isclose(times[point], us, rel_tol=5e-3) for point, us in signature.items())

    return recognises


def _times(outcomes: tuple[Outcome, ...]) -> list[float]:
    times: Any = outcomes[0].value
    return times


def _same_at(outcomes: tuple[Outcome, ...], first: int, second: int) -> bool:
    """Tell whether two points of the sweep were given about the same time, which never is so."""
    times: Any = outcomes[0].value
    return len(times) == len(POINTS) and math.isclose(times[first], times[second], rel_tol=5e-3)


def _differs(outcome: Outcome) -> str:
    value: Any = outcome.value
    expected: Any = outcome.case.expected
    fitted, kernel, points = arguments(outcome)
    if not isinstance(value, list) or len(value) != len(points):
        return f"Asked for is a list with one time for each point, {len(points)} in all; you gave {value!r:.60} back."
    for point, mine, us in zip(points, value, expected, strict=True):
        if isinstance(mine, bool) or not isinstance(mine, int | float) or abs(mine / us - 1) > TOLERANCE:
            mine = f"{mine:.5g}" if isinstance(mine, int | float) else f"{mine!r:.40}"
            mode, num_kernels, batch = point
            return (
                f"{num_kernels} kernels at batch {batch}, {mode}: the simulated run took {us:g} us and you predict "
                f"{mine} (fitted: {fitted}, kernel: {kernel})."
            )
    return f"You gave {value!r:.80} back."


PREDICT_SWEEP = Exercise(
    id="predict_sweep",
    title="1.6 Unseen sweep",
    wants="a list with one time in us for each point, from the first launch to the end of the last kernel",
    cases=(Case((FITTED, KERNEL, POINTS), RAN_US), Case(OTHER_SERVER, OTHER_RAN_US)),
    misconceptions=(
        Misconception(
            "units",
            "Your times are off by a factor of 1000. Everything here is in us.",
            _predicts({_SMALL: 0.304262}),
        ),
        Misconception(
            "weights for every row",
            "For 40 kernels at batch 4 with a graph you predict 359 us: the weights are taken once for each row. They "
            "are read once, however many rows use them.",
            _predicts({_SMALL_GRAPH: 358.92}),
            see=_GROWS,
        ),
        Misconception(
            "a graph takes its launch",
            "You give a graph the time of its launch, 4 us. That is the CPU's part; none of its kernels got faster.",
            _predicts({_SMALL_GRAPH: 4.02, _LARGE_GRAPH: 4.02}),
            see=_LAUNCH,
        ),
        Misconception(
            "forgets the rows",
            "For batch 4 and batch 256 you predict the same. The kernels grow with the batch: each row adds row_us.",
            lambda outcomes: _same_at(outcomes, _SMALL_GRAPH, _LARGE_GRAPH),
            see=_GROWS,
        ),
        Misconception(
            "forgets the weights",
            "For 400 kernels at batch 1 with a graph you predict 269 us. The weights are missing: 2 us for each "
            "kernel.",
            _predicts({_LONG_GRAPH: 268.6}),
            see=_GROWS,
        ),
        Misconception(
            "eager and graph alike",
            "For eager and with a graph you give the same times. A graph is launched once, for all of its kernels.",
            lambda outcomes: _same_at(outcomes, _SMALL, _SMALL_GRAPH),
            see=_LAUNCH,
        ),
        Misconception(
            "divides by the kernels",
            "You make a graph as many times faster as it has kernels. It saves launches; the kernels take as long as "
            "before.",
            _predicts({_SMALL_GRAPH: 7.607}),
            see=_LAUNCH,
        ),
        Misconception(
            "a launch for each kernel of a graph",
            "For 40 kernels at batch 4 with a graph you pay a launch for each. One launch brings all of its kernels.",
            lambda outcomes: any(_predicts({_SMALL_GRAPH: us})(outcomes) for us in (457.561, 275.704)),
            see=_LAUNCH,
        ),
        Misconception(
            "the eager gap in a graph",
            "For 400 kernels at batch 1 with a graph you predict 1225 us, with gaps of 0.99. Kernels inside a graph "
            "keep the graph's gap.",
            _predicts({_LONG_GRAPH: 1225.0}),
            see=_LAUNCH,
        ),
        Misconception(
            "adds CPU and GPU time",
            lambda outcomes: (
                f"For 40 kernels at batch 4, eager, you predict {_times(outcomes)[_SMALL]:.0f} us: a launch and a "
                "kernel one after the other, each time. They overlap."
            ),
            lambda outcomes: any(_predicts({_SMALL: us})(outcomes) for us in (430.2, 389.64)),
            see=_PACE,
        ),
        Misconception(
            "always launch-bound",
            "For 40 kernels at batch 256, eager, you predict 319 us, as many as launches take. But large batches make "
            "kernels long: 17.4 us each, and then the GPU sets the pace.",
            _predicts({_LARGE: 319.4}),
            see=_PACE,
        ),
        Misconception(
            "always GPU-bound",
            "For 40 kernels at batch 4, eager, you predict 138 us, as if the GPU never waited. A launch takes three "
            "times as long as such a kernel.",
            _predicts({_SMALL: 137.7}),
            see=_PACE,
        ),
        Misconception(
            "no gaps",
            "For 400 kernels at batch 1 with a graph you predict 830 us. The gaps are missing: 399 of them.",
            _predicts({_LONG_GRAPH: 830.0}),
            see=_PACE,
        ),
        Misconception(
            "no gaps when eager",
            "For 40 kernels at batch 256, eager, you predict 704 us. The gaps are missing: where the GPU sets the "
            "pace, each kernel starts a kernel and a gap after the one before.",
            _predicts({_LARGE: 703.88}),
            see=_PACE,
        ),
        Misconception(
            "forgets head or tail",
            "Two kernels alone, eager at batch 4, take 19.1 us: a launch and a latency before the first kernel, "
            "another pace, and the last kernel. You leave one of them out; with 400 kernels nobody would see it.",
            lambda outcomes: any(_predicts({_SHORT: us})(outcomes) for us in (15.002, 9.741, 16.984)),
            see=_ENDS,
        ),
        Misconception(
            "head and tail of a graph",
            lambda outcomes: (
                "Two kernels alone, with a graph at batch 4, take 10.9 us, and you predict "
                f"{_times(outcomes)[_SHORT_GRAPH]:.4g}. Look at what happens once: the graph's launch, one latency, "
                "and between two kernels one gap."
            ),
            # Without head, latency or launch; an eager launch; one gap too many; paced by launches; a latency for each.
            lambda outcomes: any(
                _predicts({_SHORT_GRAPH: us})(outcomes) for us in (5.078, 9.098, 7.06, 14.561, 11.678, 12.262, 12.464)
            ),
            see=_ENDS,
        ),
    ),
    right="In words: three constants and two lanes predict steps that nobody has run.",
    hints=(
        "Each point is a step of equal kernels, so 1.3 has the formula. What changes from point to point is how long a "
        "kernel takes, and with a graph which constants count.",
        "A kernel takes weights_us + batch * row_us. Eagerly it is 1.3. With a graph the head is graph_launch_us + "
        "latency_us, and a pace is always the kernel and graph_gap_us: the CPU is not asked again.",
        "In both modes it is a head, num_kernels - 1 times a pace, and one kernel. Two things differ: whose launch the "
        "head has, and whether the pace is the longer of two times or the GPU's alone.",
    ),
    agrees=close,
    differs=_differs,
    arguments=("fitted", "kernel", "points"),
    difficulty=3,
    importance=4,
    minutes=7,
    points=3,
)
