"""Wrong ideas about the launch queue, each recognised by when its first launches or kernels start."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.signatures import Recognises, any_case, gave, raises_on
from mini_lib.learn import Misconception, Outcome

_IDLE, _BUSY, _FULL, _MIXED, _ONE, _NONE = range(6)  # places in the cases of queue_played.py
_RULE, _AHEAD, _QUEUE, _GAP = "The rule", "A launch is an order", "The queue", "Gap and latency"


def _starts(lane: int, signature: dict[int, list[float]]) -> Recognises:
    """Return a test for these starts on one lane, 0 for launches and 1 for kernels: {case: the first few starts}."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        return all(_first_starts(outcomes[case], lane, len(us)) == us for case, us in signature.items())

    return recognises


def _first_starts(outcome: Outcome, lane: int, num: int) -> list[float]:
    value: Any = outcome.value
    return [float(span[0]) for span in value[lane][:num]]


def _ends_before_it_starts(outcome: Outcome) -> bool:
    value: Any = outcome.value
    return any(end < start for lane in value for start, end in lane)


_ORDERS = (
    Misconception(
        "one list",
        "Asked for are two lists, launches and kernels, each with one pair [start, end] per kernel. With one list the "
        "CPU's lane could not be drawn.",
        gave(_IDLE, lambda value: isinstance(value, list) and len(value) == 4),
    ),
    Misconception(
        "durations in place of ends",
        "A pair of yours ends before it starts. Each pair is [start, end], two moments on one clock, and not a start "
        "and a duration.",
        any_case(_ends_before_it_starts),
    ),
    Misconception(
        "no kernel",
        "With no kernels at all your function raises an exception. A step without a kernel launches nothing: two "
        "empty lists.",
        raises_on(_NONE),
    ),
    Misconception(
        "adds CPU and GPU time",
        "With kernels of 20, 25, ... us your second launch begins at 28.5 us, when the first kernel has ended. You add "
        "the CPU's time and the GPU's: a launch is an order, and the CPU goes on at 6 us.",
        _starts(0, {_BUSY: [0, 28.5]}),
        see=_AHEAD,
    ),
    Misconception(
        "starts when all are launched",
        "Your first kernel starts when all of them were launched. The GPU does not wait for the others: it starts as "
        "soon as its own launch has arrived.",
        _starts(1, {_IDLE: [32.0], _BUSY: [26.5]}),
        see=_AHEAD,
    ),
    Misconception(
        "the GPU waits for no launch",
        "With four kernels of 3 us yours start at 9.5, 13.5, 17.5 us. The second launch ends at 15 us, so that kernel "
        "runs before it was launched.",
        _starts(1, {_IDLE: [9.5, 13.5]}),
        see=_RULE,
    ),
)

_COSTS = (
    Misconception(
        "forgets the latency",
        "The first launch ends at 7.5 us and your first kernel starts at 7.5 us: the latency of 2 us is missing.",
        _starts(1, {_IDLE: [7.5, 15.0]}),
        see=_GAP,
    ),
    Misconception(
        "latency from the start of the launch",
        "The first launch ends at 7.5 us and your first kernel starts at 2 us, before its launch has ended. The "
        "latency begins when the launch ends.",
        _starts(1, {_IDLE: [2.0, 9.5]}),
        see=_GAP,
    ),
    Misconception(
        "latency keeps the CPU busy",
        "Your second launch begins at 9.5 us, a latency after the first has ended at 7.5. The CPU does not wait for "
        "it: an order travels while the next one is written.",
        _starts(0, {_IDLE: [0, 9.5, 19.0]}),
        see=_GAP,
    ),
    Misconception(
        "latency for every kernel",
        "With kernels of 20, 25, ... us you let the second start at 32.5 us. It pays a latency though its launch "
        "arrived long before, at 14.5 us: it only waits for the kernel before and the gap, until 30.",
        _starts(1, {_IDLE: [9.5, 17.0], _BUSY: [8.5, 32.5]}),
        see=_RULE,
    ),
    Misconception(
        "gap before the first kernel",
        "A single kernel starts at 10.5 us in your queue: a launch of 7, a latency of 2 and a gap of 1.5. Nothing ran "
        "before it, so there is no gap to keep: 9 us.",
        _starts(1, {_ONE: [10.5]}),
        see=_GAP,
    ),
    Misconception(
        "forgets the gap",
        "With kernels of 20, 25, ... us yours start at 8.5, 28.5, 53.5 us: they follow one another without the gap "
        "of 1.5 us.",
        _starts(1, {_BUSY: [8.5, 28.5, 53.5]}),
        see=_GAP,
    ),
    Misconception(
        "gap though the GPU waits",
        "With four kernels of 3 us your second one starts at 18 us. Its launch arrives at 17, and by then the gap "
        "after the first kernel, until 13.5 us, has passed while the GPU waited.",
        _starts(1, {_IDLE: [9.5, 18.0], _BUSY: [8.5, 30.0]}),
        see=_RULE,
    ),
)

_PLACES = (
    Misconception(
        "ignores the queue",
        "With queue_depth 2 and kernels of 20, 25, 30 us your third launch begins at 12 us. Two launches are pending "
        "by then, so there is no place until kernel 0 has ended, at 28.5 us.",
        _starts(0, {_FULL: [0, 6, 12, 18]}),
        see=_QUEUE,
    ),
    Misconception(
        "a place too many",
        "With queue_depth 2 your third launch begins at 12 us and your fourth at 28.5: with 2 places you let 3 "
        "launches wait. Launch n wants the place of kernel n - queue_depth.",
        _starts(0, {_FULL: [0, 6, 12, 28.5]}),
        see=_QUEUE,
    ),
    Misconception(
        "a place too few",
        "With queue_depth 2 your second launch begins at 28.5 us: with 2 places you let only 1 launch wait.",
        _starts(0, {_FULL: [0, 28.5]}),
        see=_QUEUE,
    ),
    Misconception(
        "waits until the queue is empty",
        "With queue_depth 2 your third launch begins at 55 us: the CPU waits until *all* kernels have ended. One place "
        "is enough, and kernel 0 frees it at 28.5 us.",
        _starts(0, {_FULL: [0, 6, 55]}),
        see=_QUEUE,
    ),
    Misconception(
        "a place is free at the start",
        "With queue_depth 2 your fourth launch begins at 30 us, when kernel 1 starts. A launch keeps its place until "
        "its kernel has *ended*, here at 55 us.",
        _starts(0, {_FULL: [0, 6, 12, 30]}),
        see=_QUEUE,
    ),
    Misconception(
        "the CPU forgets that it waited",
        "With queue_depth 3 the CPU waits before launch 3 until 39 us, and your launch 4 begins at 42: less than one "
        "launch of 7 us later. When the CPU has waited, its clock goes on from there.",
        _starts(0, {_MIXED: [0, 7, 14, 39, 42]}),
        see=_QUEUE,
    ),
)

IDEAS = (*_ORDERS, *_PLACES, *_COSTS)
