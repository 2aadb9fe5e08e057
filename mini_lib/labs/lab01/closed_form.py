"""Exercise 1.3: how long a step of equal kernels takes, without playing it."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.signatures import Recognises, arguments
from mini_lib.learn import Case, Exercise, Misconception, Outcome, same

_LAUNCHES, _KERNELS, _NEARLY, _LATE, _, _, _, _TWO = range(8)  # places in the cases below
_PACE, _ENDS = "Who sets the pace", "Head and tail"


def _us(signature: dict[int, float]) -> Recognises:
    """Return a test for these wrong times, whatever the regime: {case: us}."""
    return lambda outcomes: all(same(_pair(outcomes[case])[0], us) for case, us in signature.items())


def _regimes(signature: dict[int, str]) -> Recognises:
    return lambda outcomes: all(_pair(outcomes[case])[1] == regime for case, regime in signature.items())


def _pair(outcome: Outcome) -> Any:
    value: Any = outcome.value
    return value


def _differs(outcome: Outcome) -> str:
    num, kernel, launch, gap, latency = arguments(outcome)
    expected: Any = outcome.case.expected
    us, regime = expected
    told = f"For {num} kernels of {kernel} us, with a launch of {launch}, a gap of {gap} and a latency of {latency} us"
    value: Any = outcome.value
    if not isinstance(value, list) or len(value) != 2:
        return f"Two values are asked for, [us, regime]; {told[0].lower()}{told[1:]} you gave {value!r:.60} back."
    if not same(value[0], us):
        return f"{told} the step takes {us:g} us, yours takes {value[0]!r:.30}. Play it by 1.2 and compare."
    return f"{told} the regime is {regime!r}, yours is {value[1]!r:.40}."


STEP_TIME = Exercise(
    id="step_time",
    title="1.3 Closed form",
    wants='[us, regime]: how long the step takes until its last kernel ends, and "launch-bound" or "GPU-bound"',
    cases=(
        Case((8, 3.0, 7.5, 1.0, 2.0), [65.0, "launch-bound"]),
        Case((8, 12.0, 7.5, 1.0, 2.0), [112.5, "GPU-bound"]),
        Case((1000, 7.0, 7.5, 1.5, 2.0), [8508.0, "GPU-bound"]),
        Case((60, 9.0, 7.5, 1.0, 4.0), [610.5, "GPU-bound"]),
        Case((2, 20.0, 5.0, 2.0, 4.0), [51.0, "GPU-bound"]),
        Case((2, 1.0, 5.0, 2.0, 4.0), [15.0, "launch-bound"]),
        Case((400, 0.5, 6.25, 1.25, 3.0), [2503.5, "launch-bound"]),
        Case((2, 8.5, 10.0, 2.0, 4.0), [33.0, "GPU-bound"]),
    ),
    misconceptions=(
        Misconception(
            "adds CPU and GPU time",
            "You add a launch and a kernel for each of the eight, one after the other. They happen at the same time: "
            "while the GPU runs a kernel, the CPU launches the next.",
            lambda outcomes: _pair(outcomes[_LAUNCHES])[0] in (84, 107),
            see=_PACE,
        ),
        Misconception(
            "the faster lane",
            "For eight kernels of 12 us you say 74 us and for eight of 3 us 40.5: you let the *faster* lane set the "
            "pace. It waits for the other one.",
            _us({_LAUNCHES: 40.5, _KERNELS: 74.0}),
            see=_PACE,
        ),
        Misconception(
            "counts launches",
            "With kernels of 3 us and of 12 us your eight launches take about the same. You count launches, and not "
            "the time of the slower lane: with 12 us a kernel and its gap take longer than a launch.",
            lambda outcomes: _pair(outcomes[_KERNELS])[0] in (74, 60),
            see=_PACE,
        ),
        Misconception(
            "the GPU never waits",
            "For eight kernels of 3 us you say 40.5 us, as if the GPU never waited for a launch. A launch takes 7.5 us "
            "here, so after each kernel it does.",
            _us({_LAUNCHES: 40.5, _KERNELS: 112.5}),
            see=_PACE,
        ),
        Misconception(
            "forgets head and tail",
            "For eight kernels of 3 us you say 60, and of 12 us 104: eight times the slower lane. Before the first "
            "kernel there is a launch and a latency, and after the last launch there is a kernel.",
            _us({_LAUNCHES: 60.0, _KERNELS: 104.0}),
            see=_ENDS,
        ),
        Misconception(
            "forgets the tail",
            lambda outcomes: (
                f"For eight kernels of 3 us you say {_pair(outcomes[_LAUNCHES])[0]:g} us. The last launch ends at 60. "
                "After the last launch there is still a kernel to run, and before it the latency."
            ),
            lambda outcomes: _pair(outcomes[_LAUNCHES])[0] in (60, 62),
            see=_ENDS,
        ),
        Misconception(
            "forgets the head",
            lambda outcomes: (
                f"For eight kernels of 12 us you say {_pair(outcomes[_KERNELS])[0]:g} us, and it is 112.5. Before its "
                "first kernel the GPU waits for one launch and one latency."
            ),
            lambda outcomes: _pair(outcomes[_KERNELS])[0] in (103, 105),
            see=_ENDS,
        ),
        Misconception(
            "forgets the latency",
            "Your steps of eight kernels are 2 us short: the latency, once, before the first kernel.",
            _us({_LAUNCHES: 63.0, _KERNELS: 110.5}),
            see=_ENDS,
        ),
        Misconception(
            "a latency for each",
            "Your steps of eight kernels are seven latencies too long. The latency is paid once: while one order "
            "travels, the CPU writes the next.",
            _us({_LAUNCHES: 79.0}),
            see=_ENDS,
        ),
        Misconception(
            "a gap too many",
            "For eight kernels of 12 us you say 113.5: one gap too many. A gap lies between two kernels, and eight "
            "kernels have seven of them.",
            _us({_LAUNCHES: 65.0, _KERNELS: 113.5}),
            see=_ENDS,
        ),
        Misconception(
            "a turn in place of the tail",
            "For eight kernels of 3 us you say 69.5 and for 12 us 113.5: eight turns behind the head. The slower lane "
            "turns seven times, and then the last kernel runs, behind which comes neither a launch nor a gap.",
            _us({_LAUNCHES: 69.5, _KERNELS: 113.5}),
            see=_ENDS,
        ),
        Misconception(
            "no gaps",
            "For eight kernels of 12 us you say 105.5 us. The gaps between kernels are missing: seven of 1 us.",
            _us({_KERNELS: 105.5}),
            see=_PACE,
        ),
        Misconception(
            "a gap though the GPU waits",
            "For eight kernels of 3 us you say 72 us: you add seven gaps to the launches. In a launch-bound step the "
            "gap has passed while the GPU waited.",
            _us({_LAUNCHES: 72.0, _KERNELS: 112.5}),
            see=_PACE,
        ),
        Misconception(
            "one turn too many",
            "For eight kernels of 3 us you say 72.5 and for 12 us 125.5: one turn too many. The head is the first "
            "launch and the tail the last kernel, so between them the slower lane turns seven times.",
            _us({_LAUNCHES: 72.5, _KERNELS: 125.5}),
            see=_ENDS,
        ),
        Misconception(
            "the other way round",
            "Your regimes are the other way round: launch-bound is a step whose time is that of the launches.",
            _regimes({_LAUNCHES: "GPU-bound", _KERNELS: "launch-bound"}),
            see=_PACE,
        ),
        Misconception(
            "regime with the latency",
            "A launch of 7.5 us against a kernel of 9 and a gap of 1: you say launch-bound. The latency of 4 us is "
            "paid once and not for every launch; it does not count here.",
            _regimes({_LAUNCHES: "launch-bound", _KERNELS: "GPU-bound", _LATE: "launch-bound"}),
            see=_PACE,
        ),
        Misconception(
            "regime without the gap",
            "A launch of 7.5 us against a kernel of 7 and a gap of 1.5: you say launch-bound. The kernel alone is "
            "shorter, and its gap belongs to the kernel's side: the GPU needs 8.5 us for each.",
            lambda outcomes: (
                _regimes({_LAUNCHES: "launch-bound", _NEARLY: "launch-bound"})(outcomes)
                and _us({_NEARLY: 8508.0})(outcomes)
            ),
            see=_PACE,
        ),
        Misconception(
            "regime of the sums",
            "Two kernels of 8.5 us, with a launch of 10 and a gap of 2: you say launch-bound. Do not weigh what all "
            "launches take against what all kernels take: two kernels have one gap. The second one starts a launch "
            "(10 us) or a kernel and its gap (10.5 us) after the first, and the longer of these sets the pace.",
            _regimes({_LAUNCHES: "launch-bound", _NEARLY: "GPU-bound", _LATE: "GPU-bound", _TWO: "launch-bound"}),
            see=_PACE,
        ),
    ),
    right="In words: one launch and one latency, then the slower lane sets the pace, and one kernel at the end.",
    hints=(
        "Play three kernels on paper, once with a launch that is longer than a kernel and its gap, and once with a "
        "shorter one. When does each kernel start, compared with the one before?",
        "The first kernel starts at launch_us + latency_us. From then on each starts one pace later than the one "
        "before, where a pace is the longer of launch_us and kernel_us + gap_us. And the last one has to run.",
        "us is a sum of three: when the first kernel starts, num_kernels - 1 times the pace, and one kernel. The "
        "regime is the name of the longer one of the two times that the pace is chosen from.",
    ),
    differs=_differs,
    difficulty=2,
    importance=5,
    minutes=7,
    points=3,
)
