"""Two lanes of a student's own queue, of the trace to be fitted, and of the step that opens the lab.

The step that opens the lab is no simulation: its spans are written out here, eight launches side by side and eight
kernels, each so long after the one before as the launch queue of `timing` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mini_lib.labs.watching import nobody_looks
from mini_lib.learn import Outcome
from mini_lib.timing import CPU, GPU, Span, Timeline

NUM_KERNELS, LAUNCH_US, FIRST_START_US = 8, 7.5, 9.5
FROM_START_TO_START_US = {3: 7.5, 6: 7.5, 12: 13.0}  # by the length of a kernel
SHOWN = 3  # the case whose picture is drawn: short and long kernels, three places in the queue


Pairs = Sequence[Sequence[float]]


def lanes(launches: Pairs, kernels: Pairs, first: int = 0) -> Timeline:
    """Return the timeline of launches and kernels, each a list of [start_us, end_us], numbered from `first`."""
    on_cpu = [Span(CPU, f"launch {n}", start, end) for n, (start, end) in enumerate(launches, first)]
    return Timeline([*on_cpu, *(Span(GPU, f"kernel {n}", start, end) for n, (start, end) in enumerate(kernels, first))])


def both_lanes(outcomes: tuple[Outcome, ...]) -> object | None:
    """Return the two lanes of a student's own queue, None where nobody looks or there is nothing to draw."""
    value: Any = outcomes[SHOWN].value if len(outcomes) > SHOWN else None
    if nobody_looks() or not isinstance(value, list):
        return None
    from mini_lib.plots import two_lanes  # here, so that matplotlib waits until the first picture

    depth = outcomes[SHOWN].case.args[4]
    return two_lanes(lanes(*value), title=f"Your launch queue, with room for {depth} pending launches")


def opening_step(kernel_us: int) -> Timeline:
    """Return the step that opens the lab, with kernels of 3, 6 or 12 us."""
    launches = [LAUNCH_US * n for n in range(NUM_KERNELS)]
    starts = [FIRST_START_US + n * FROM_START_TO_START_US[kernel_us] for n in range(NUM_KERNELS)]
    return lanes([[us, us + LAUNCH_US] for us in launches], [[us, us + kernel_us] for us in starts])


def show_step(*kernel_us: int) -> object | None:
    """Return a picture of the step that opens the lab, with kernels of 3, 6 or 12 us; several share one time axis."""
    if nobody_looks():
        return None
    from mini_lib.plots import compare_lanes, two_lanes

    steps = {f"kernels of {us:g} µs": opening_step(us) for us in kernel_us}
    if len(steps) == 1:
        return two_lanes(*steps.values(), title=f"One step: eight kernels of {kernel_us[0]:g} µs")
    return compare_lanes(steps, title="The same eight launches, with longer and longer kernels")
