"""Exercise 1.2: the launch queue, played launch by launch."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.lab01.pictures import both_lanes
from mini_lib.labs.lab01.queue_ideas import IDEAS
from mini_lib.labs.signatures import arguments
from mini_lib.learn import Case, Exercise, Outcome, same, shown


def _two_lists(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, list) for one in value)


def _differs(outcome: Outcome) -> str:
    value: Any = outcome.value
    expected: Any = outcome.case.expected
    us, launch, gap, latency, depth = arguments(outcome)
    costs = f"launch_us {launch}, gap_us {gap}, latency_us {latency}, queue_depth {depth}"
    told = f"For kernels of {us if len(us) <= 8 else str(us[:7])[:-1] + ', ...]'} us and {costs}"
    if not _two_lists(value) or [len(one) for one in value] != [len(us)] * 2:
        return f"{told} there should be two lists, launches and kernels, with {len(us)} pairs each."
    for lane, name in enumerate(("launch", "kernel")):
        for number, (mine, right) in enumerate(zip(value[lane], expected[lane], strict=True)):
            if not same(mine, right):
                return f"{told}: {name} {number} should be {shown(right)}, in us, and yours is {shown(mine)}."
    return f"{told} your answer is {value!r:.80}."


LAUNCH_QUEUE = Exercise(
    id="launch_queue",
    title="1.2 The launch queue",
    wants="[launches, kernels]: two lists with a pair [start_us, end_us] for each kernel, on the CPU and on the GPU",
    cases=(
        Case(
            ([3.0] * 4, 7.5, 1.0, 2.0, 64),
            [
                [[0.0, 7.5], [7.5, 15.0], [15.0, 22.5], [22.5, 30.0]],
                [[9.5, 12.5], [17.0, 20.0], [24.5, 27.5], [32.0, 35.0]],
            ],
        ),
        Case(
            ([20.0, 25.0, 30.0, 15.0], 6.0, 1.5, 2.5, 64),
            [
                [[0.0, 6.0], [6.0, 12.0], [12.0, 18.0], [18.0, 24.0]],
                [[8.5, 28.5], [30.0, 55.0], [56.5, 86.5], [88.0, 103.0]],
            ],
        ),
        Case(
            ([20.0, 25.0, 30.0, 15.0, 10.0, 40.0], 6.0, 1.5, 2.5, 2),
            [
                [[0.0, 6.0], [6.0, 12.0], [28.5, 34.5], [55.0, 61.0], [86.5, 92.5], [103.0, 109.0]],
                [[8.5, 28.5], [30.0, 55.0], [56.5, 86.5], [88.0, 103.0], [104.5, 114.5], [116.0, 156.0]],
            ],
        ),
        Case(
            ([30.0, 2.0, 2.0, 2.0, 2.0, 2.0, 18.0, 2.0], 7.0, 1.0, 2.0, 3),
            [
                [
                    [0.0, 7.0],
                    [7.0, 14.0],
                    [14.0, 21.0],
                    [39.0, 46.0],
                    [46.0, 53.0],
                    [53.0, 60.0],
                    [60.0, 67.0],
                    [67.0, 74.0],
                ],
                [
                    [9.0, 39.0],
                    [40.0, 42.0],
                    [43.0, 45.0],
                    [48.0, 50.0],
                    [55.0, 57.0],
                    [62.0, 64.0],
                    [69.0, 87.0],
                    [88.0, 90.0],
                ],
            ],
        ),
        Case(([5.0], 7.0, 1.5, 2.0, 64), [[[0.0, 7.0]], [[9.0, 14.0]]]),
        Case(([], 7.0, 1.5, 2.0, 64), [[], []]),
        Case(
            ([4.0, 9.0, 3.0], 5.0, 1.0, 2.0, 1),
            [[[0.0, 5.0], [11.0, 16.0], [27.0, 32.0]], [[7.0, 11.0], [18.0, 27.0], [34.0, 37.0]]],
        ),
    ),
    misconceptions=IDEAS,
    right="In words: a kernel starts when the GPU is free and its order has arrived, and whoever is ahead waits.",
    hints=(
        "Three things happen in each round, in this order: the CPU waits for a place if the queue is full, it "
        "launches, and the GPU starts the kernel as soon as both the kernel before and the launch allow it.",
        "If n >= queue_depth, the CPU waits for the end of kernel n - queue_depth, unless that is over. Then append "
        "[cpu_us, cpu_us + launch_us] and move cpu_us. The start is the later of two moments; the first kernel has "
        "only one of them.",
        "Both waits are a max of two moments. Before the launch: cpu_us, and the end of kernel n - queue_depth, which "
        "is kernels[n - queue_depth][1]. Behind it: when the order arrives, and when the gap behind kernels[-1] is "
        "over. In each, the second moment is missing for the first kernels.",
    ),
    picture=both_lanes,
    differs=_differs,
    difficulty=3,
    importance=5,
    minutes=10,
    points=4,
)
