"""Exercise 1.5: launch time, gap and latency from a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from mini_lib.labs.lab01.traces import MOSTLY_BUSY, MOSTLY_WAITING, QUEUE_DEPTHS, spans_of
from mini_lib.labs.signatures import Recognises, any_case
from mini_lib.learn import Case, Exercise, Misconception, Outcome

# A right fit of such traces is off by about 3 % at worst (800 drawn ones, three ways of fitting), and the smallest of
# all values, which is no fit, by 7 %.
TOLERANCE = 0.05
NAMES = ("launch_us", "gap_us", "latency_us")

_WAITING, _BUSY = range(2)  # places in the cases below
_FULL, _WHICH, _MIDDLE = "Calls before a full queue", "Gap or latency?", "The middle one"

TRACE = spans_of(MOSTLY_WAITING)


def close(yours: Any, expected: Any) -> bool:
    """Tell whether three fitted constants are within the tolerance of the hidden ones."""
    return set(yours) == set(expected) and all(
        not isinstance(yours[name], bool) and abs(yours[name] / us - 1) <= TOLERANCE for name, us in expected.items()
    )


def _fitted(signature: Mapping[int, Mapping[str, float]]) -> Recognises:
    """Return a test for these fitted values, to half a per cent: {case: {name: us}}."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        return all(
            math.isclose(_values(outcomes[case])[name], us, rel_tol=5e-3)
            for case, wanted in signature.items()
            for name, us in wanted.items()
        )

    return recognises


def _one_of(*tests: Recognises) -> Recognises:
    return lambda outcomes: any(test(outcomes) for test in tests)


def _values(outcome: Outcome) -> dict[str, float]:
    value: Any = outcome.value
    return value


def _says(case: int, name: str, why: str) -> Callable[[tuple[Outcome, ...]], str]:
    trace = ("first", "second")[case]
    return lambda outcomes: f"In the {trace} trace you find {name} {_values(outcomes[case])[name]:.4g}. {why}"


def _differs(outcome: Outcome) -> str:
    value: Any = outcome.value
    expected: Any = outcome.case.expected
    if not isinstance(value, dict) or set(value) != set(NAMES):
        yours = (
            f"yours has the keys {', '.join(map(str, value))}" if isinstance(value, dict) else f"yours is {value!r:.60}"
        )
        return f"Asked for is a dict with three keys, {', '.join(NAMES)}; {yours}."
    for name in NAMES:
        if not isinstance(value[name], int | float) or not abs(value[name] / expected[name] - 1) <= TOLERANCE:
            mine = f"{value[name]:.4g}" if isinstance(value[name], int | float) else f"{value[name]!r:.40}"
            size = f"{len(outcome.case.args[0])} launches"  # type: ignore[arg-type]
            return (
                f"The hidden {name} in this trace was {expected[name]:g}, and you find {mine} (a trace of {size}; "
                f"{TOLERANCE:.0%} off is close enough)."
            )
    return f"You gave {value!r:.80} back."


FIT = Exercise(
    id="fit",
    title="1.5 Fit a trace",
    wants='a dict with three keys, "launch_us", "gap_us" and "latency_us": the costs that made the trace',
    cases=(
        Case((*TRACE, QUEUE_DEPTHS[0]), {"launch_us": 7.3, "gap_us": 1.1, "latency_us": 2.2}),
        Case((*spans_of(MOSTLY_BUSY), QUEUE_DEPTHS[1]), {"launch_us": 6.3, "gap_us": 1.0, "latency_us": 1.67}),
    ),
    misconceptions=(
        Misconception(
            "units",
            "Your costs are off by a factor of 1000. The trace is in us, and so are the costs.",
            any_case(lambda outcome: _values(outcome)["launch_us"] > 1000 or _values(outcome)["launch_us"] < 0.1),
        ),
        Misconception(
            "the largest",
            "You take the largest of each, and that is an outlier: in the first trace a launch of 84 us.",
            _fitted({_WAITING: {"launch_us": 84.42}}),
            see=_MIDDLE,
        ),
        Misconception(
            "the smallest",
            "You take the smallest of each: nothing disturbs it but chance. Every value varies by up to 7 %, and the "
            "smallest of a hundred is nearly all of that too small.",
            _fitted({_WAITING: {"launch_us": 6.81, "gap_us": 1.03}, _BUSY: {"launch_us": 5.86}}),
            see=_MIDDLE,
        ),
        Misconception(
            "one pair",
            "You rest on one single pair, the first of its kind, and it may be an outlier: in the first trace that "
            "gives a gap of 1.52 us.",
            _fitted({_WAITING: {"gap_us": 1.52}}),
            see=_MIDDLE,
        ),
        Misconception(
            "the mean",
            "You take the mean of all values. One in twenty takes three to twelve times as long, and each of them "
            "pulls the mean its way.",
            _one_of(
                _fitted({_WAITING: {"launch_us": 8.832}}),
                _fitted({_WAITING: {"gap_us": 1.495}}),
                _fitted({_WAITING: {"latency_us": 2.955}}),
            ),
            see=_MIDDLE,
        ),
        Misconception(
            "blocked launches",
            _says(
                _BUSY,
                "launch_us",
                "Most calls in it stood before a full queue and lasted until a place was free. They tell how long a "
                "kernel takes, not a launch.",
            ),
            lambda outcomes: (
                16 < _values(outcomes[_BUSY])["launch_us"] < 17.9 and _values(outcomes[_WAITING])["launch_us"] > 7.4
            ),
            see=_FULL,
        ),
        Misconception(
            "kernels for launches",
            "Your launch_us is how long kernels ran: these are the ends of kernels, not launches.",
            _fitted({_WAITING: {"launch_us": 2.51}}),
        ),
        Misconception(
            "gaps while the GPU waits",
            _says(
                _WAITING,
                "gap_us",
                "Between most of its kernels the GPU waited for a launch: that is no gap. A gap shows only where the "
                "next launch had already ended when the kernel before did.",
            ),
            _one_of(_fitted({_WAITING: {"gap_us": 1.645}}), _fitted({_WAITING: {"gap_us": 5.19}})),
            see=_WHICH,
        ),
        Misconception(
            "from start to start",
            _says(
                _WAITING, "gap_us", "From one start to the next there is the kernel itself. A gap begins at its end."
            ),
            _fitted({_WAITING: {"gap_us": 19.37}}),
            see=_WHICH,
        ),
        Misconception(
            "latency of kernels in the queue",
            _says(
                _BUSY,
                "latency_us",
                "Most kernels in it did not start late because of a latency: their launches lay in the queue, behind "
                "other kernels.",
            ),
            _fitted({_BUSY: {"latency_us": 105.6}}),
            see=_WHICH,
        ),
        Misconception(
            "latency from the start of the launch",
            _says(_WAITING, "latency_us", "That has the launch itself in it. The latency begins when the launch ends."),
            _fitted({_WAITING: {"latency_us": 9.55}}),
            see=_WHICH,
        ),
        Misconception(
            "idle time for latency",
            _says(
                _WAITING,
                "latency_us",
                "The GPU's idle time begins when the kernel before ends; the latency begins when the launch ends.",
            ),
            _fitted({_WAITING: {"latency_us": 5.19}}),
            see=_WHICH,
        ),
        Misconception(
            "the wrong way round",
            "You have gap and latency the wrong way round. Where the launch was there already, the kernel kept a gap; "
            "where the GPU waited for it, a latency.",
            _fitted({_WAITING: {"gap_us": 2.195, "latency_us": 1.1}}),
            see=_WHICH,
        ),
    ),
    right="In words: each pair of spans shows one cost at most, and the middle one of many is not moved by outliers.",
    hints=(
        "Make three lists, one for each cost, and take the median of each. The work is in what you leave out.",
        "launches[n] stood before a full queue if kernels[n - queue_depth] ended after the call began. And kernel n "
        "kept a gap if launches[n] ended before kernels[n - 1] did; else it shows a latency, and so does kernel 0.",
        "unblocked: n < queue_depth or kernels[n - queue_depth][1] <= launches[n][0]. Gap: kernels[n][0] - "
        "kernels[n - 1][1]; latency: kernels[n][0] - launches[n][1]. statistics.median does the rest.",
    ),
    agrees=close,
    differs=_differs,
    arguments=("launches", "kernels", "queue_depth"),
    difficulty=4,
    importance=4,
    minutes=12,
    points=4,
)
