"""Notebook 01: a timer for work that somebody else does, and what a faster GPU is worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mini_lib.learn.exercise import Case, Exercise, Misconception, Outcome, Recognises, answers
from mini_lib.learn.values import Plain

_TOLERANCE = 0.01  # a timer that warms up twice, or waits once more, is right as well


def _close(yours: Plain, expected: Plain) -> bool:
    if isinstance(yours, bool) or not isinstance(yours, int | float) or not isinstance(expected, int | float):
        return False
    return math.isclose(yours, expected, rel_tol=_TOLERANCE)


def _near(signature: Mapping[int, float]) -> Recognises:
    """Return a test for timers that read about these times: {index of the case: time}."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        values = {index: outcomes[index].value for index in signature}
        return all(not hasattr(value, "name") and _close(value, signature[index]) for index, value in values.items())

    return recognises


def _hardly_any(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell whether almost no time was measured, and the same whatever the kernels take: no call can be in it."""
    short, long, _ = (one.value for one in outcomes)
    return isinstance(short, int | float) and short == long and abs(short) < 1


def _once(least_us: float, most_us: float, cases: Iterable[int] = (0, 1, 2)) -> Recognises:
    """Return a test for timers whose answer to each of `cases` is too long by its share of a time that passes once."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        return all(least_us <= _extra_us(outcomes[index]) <= most_us for index in cases)

    return recognises


def _extra_us(outcome: Outcome) -> float:
    """Return by how much all calls together were measured too long; NaN where no time came back."""
    if isinstance(outcome.value, bool) or not isinstance(outcome.value, int | float):
        return math.nan
    return (outcome.value - float(str(outcome.case.expected))) * _calls(outcome)


def _calls(outcome: Outcome) -> int:
    return int(str(outcome.case.args[1]))


US_PER_CALL = Exercise(
    id="01/us_per_call",
    title="Exercise 1.1",
    wants="a time in microseconds back: how long one call takes when many follow one another",
    # Computed by the simulated device of the notebook: 12 kernels a call, 7.5 us a launch, 1 us between kernels.
    cases=(Case((3.0, 50), 90.2), Case((20.0, 50), 252.27), Case((20.0, 20), 252.675)),
    misconceptions=(
        Misconception(
            "does not wait at the end",
            "Kernels of 20 us, 12 a call, and you measure 90 us: that is 12 launches. A launch returns at once, so "
            "your clock stopped before the GPU had done the work.",
            _near({0: 90.0, 1: 90.0}),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "reads the clock twice and nothing else",
            "Your answer changes with the number of calls and not with the length of the kernels: 490 us for 3 us and "
            "for 20. It holds the loading of the kernels in the first call, and then nothing but launches.",
            _near({0: 490.0, 1: 490.0}),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "launches nothing",
            "Hardly any time passed between your two readings of the clock: nothing was launched between them. "
            "`call` without brackets does not call.",
            _hardly_any,
        ),
        Misconception(
            "measures its own warm-up",
            "You are right for kernels of 3 us, and for kernels of 20 us 1 % above the answer with 50 calls, more with "
            "20: the GPU is still busy with your warm-up call when you start the clock. Wait behind it, not before it.",
            _once(100.0, 300.0, cases=(1, 2)),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "measures the first call too",
            "With 50 calls you are 400 us above the answer, with 20 calls 1000: something takes 20,000 us, once. The "
            "first call of all loads the kernels. Make a call before you start the clock.",
            _once(19_000.0, 21_000.0),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "starts while the GPU is busy",
            "The fewer calls, the longer each one seems to take. The GPU still had other work when you started the "
            "clock, and you waited for that too. Wait once before you start.",
            _once(5_000.0, 15_000.0),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "starts cold, and while the GPU is busy",
            "The fewer calls, the longer each one seems to take. The clock runs while the first call loads the "
            "kernels, and while the GPU does other work. Make a call and wait for it before you start.",
            _once(25_000.0, 31_000.0),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "waits after every call",
            "You wait after every call, so CPU and GPU take turns and each call pays for the wait. In serving they "
            "work at the same time: launch them all, then wait once.",
            _near({0: 100.0, 1: 265.5}),
            see="Three wrong timers and one right",
        ),
        Misconception(
            "does not divide",
            "That is the time of all calls together. Divide by their number.",
            _near({0: 4510.0, 1: 12613.5}),
        ),
    ),
    right="In words: warm up, wait, start the clock, launch many, wait once, stop, divide.",
    hints=(
        "What is the device doing at the moment at which you start the clock? And when you stop it?",
        "`synchronize()` belongs in two places: before the clock starts and before it stops. Not into the loop.",
        "`call(); synchronize(); start = now_us()`, then the loop, then `synchronize()` and "
        "`(now_us() - start) / num_calls`.",
    ),
    agrees=_close,
    arguments=("kernel_us", "num_calls"),
    difficulty=2,
    importance=5,
    minutes=8,
)


SAVED_US = Exercise(
    id="01/saved_us",
    title="Exercise 1.2",
    wants="microseconds back: by how much the step becomes shorter",
    cases=(
        Case((100, 7.5, 3.0, 1.0, 2), 0.0),
        Case((100, 4.0, 20.0, 1.0, 2), 1000.0),
        Case((100, 7.5, 14.0, 1.0, 4), 750.0),
        Case((40, 5.0, 4.0, 1.0, 8), 0.0),
        Case((30, 6.5, 9.25, 0.5, 5), 97.5),
    ),
    misconceptions=(
        Misconception(
            "makes the launches faster too",
            "100 launches of 7.5 us take 750 us with any GPU: the CPU makes them. You let them become faster as well.",
            answers({0: 375.0}),
            see="Two resources, one of them full",
        ),
        Misconception(
            "the step and not what is saved",
            "That is how long the step is with the faster GPU. Asked is by how much it becomes shorter.",
            answers({0: 750.0, 1: 1100.0, 2: 750.0}),
        ),
        Misconception(
            "the wrong way round",
            "A step that becomes shorter saves a positive number: the time before, less the time after.",
            answers({0: 0.0, 1: -1000.0, 2: -750.0}),
        ),
        Misconception(
            "one kernel only",
            "That is what one kernel saves. The step has `num_kernels` of them.",
            answers({0: 0.0, 1: 10.0, 2: 7.5}),
        ),
        Misconception(
            "forgets the gaps",
            "Before, 100 kernels of 14 us take 1500 us and not 1400: 1 us lies between each two of them, and the GPU "
            "does nothing in it.",
            answers({0: 0.0, 1: 1000.0, 2: 650.0}),
            see="Two resources, one of them full",
        ),
        Misconception(
            "counts the kernels alone",
            "100 launches of 7.5 us take 750 us, and so they do with any GPU; you save 150 us of kernel time in which "
            "the GPU was waiting anyway. Whoever is slower sets the pace.",
            answers({0: 150.0, 1: 1000.0}),
            see="Two resources, one of them full",
        ),
        Misconception(
            "makes the gap shorter too",
            "The gap between two kernels is not the kernel: it stays 1 us, however fast the kernels run.",
            answers({0: 0.0, 1: 1050.0}),
            see="Two resources, one of them full",
        ),
        Misconception(
            "nothing is saved where launches set the pace afterwards",
            "Before, 100 kernels of 14 us and their gaps take 1500 us, and the GPU sets the pace. Four times as fast, "
            "they would take 450, and now the launches do: 750. The step is 750 us shorter.",
            answers({0: 0.0, 1: 1000.0, 2: 0.0}),
        ),
        Misconception(
            "goes below the launches",
            "Four times as fast the GPU needs 450 us, and the launches still take 750. You save 1050 us; only 750 of "
            "these are there to be had.",
            answers({0: 0.0, 1: 1000.0, 2: 1050.0}),
            see="Two resources, one of them full",
        ),
    ),
    right="In words: a faster GPU shortens the step only as far down as the CPU's launches.",
    hints=(
        "How long is the step before, and how long after? Two times, each the longer one of two lanes.",
        "The CPU's lane is `num_kernels * launch_us`, before and after. Only one number of the other lane changes.",
        "`max(n * launch_us, n * (kernel_us + gap_us)) - max(n * launch_us, n * (kernel_us / factor + gap_us))`.",
    ),
    difficulty=2,
    importance=4,
    minutes=6,
)
