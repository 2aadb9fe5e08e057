"""The verdict: what holds a program up, from the shares of its time.

The GPU may have work all the time; then the program is GPU-bound, whatever the CPU does beside it. Else the GPU waits,
and what it waits for longest is the verdict. Copies come first where they outweigh the kernels: no launch is the
problem of a GPU that mostly moves memory.

>>> judge(Shares(0.4, 0.0, 0.0, 0.5, 0.1, 0.0)).value
'launch-bound'
"""

from __future__ import annotations

from enum import Enum

from mini_lib.diagnosis.shares import Shares

HELD_UP_MATTERS = 0.15
"""A GPU that waits for the CPU less than this is GPU-bound: with all waiting gone, the program would be 1 / 0.85 = 1.18
times as fast, and a larger batch or a better kernel gives as much."""
CLOSE = 0.05
"""Two causes whose shares are nearer than this change places from one trace to the next: then both are named."""
STALLED = 0.25
"""More time than this with work there and none running is no gap between kernels any more, and is said."""
GRAPHS_ALREADY = 0.5
"""Where graphs bring this share of the work or more, "capture it" is no advice."""
LEAST_WORK = 5
"""Kernels and copies that a verdict needs at least: with fewer, first launches are all there is."""


class Verdict(Enum):
    """What holds a program up."""

    LAUNCH_BOUND = "launch-bound"
    GPU_BOUND = "GPU-bound"
    SYNC_BOUND = "sync-bound"
    COPY_BOUND = "copy-bound"
    IDLE = "idle"
    UNKNOWN = "too little to tell"


WHY = {
    Verdict.LAUNCH_BOUND: "the GPU is done with each kernel before the CPU has launched the next",
    Verdict.GPU_BOUND: "the GPU nearly always has work, running or in its queue",
    Verdict.SYNC_BOUND: "the CPU waits for the GPU, reads back, and only then goes on: meanwhile the GPU has nothing",
    Verdict.COPY_BOUND: "the GPU copies longer than it computes",
    Verdict.IDLE: "nobody gives the GPU work: the CPU does something else, or nothing that the trace shows",
}
ADVICE = {
    Verdict.LAUNCH_BOUND: "Capture the step as a CUDA graph, so that one launch brings all kernels; or fuse kernels.",
    Verdict.GPU_BOUND: "Faster or fewer kernels, less to read from memory, or a larger batch. Graphs gain little here.",
    Verdict.SYNC_BOUND: (
        "Keep on the device what is read back, or launch the next step before reading (overlap scheduling). "
        "Where values must be read, read them once a step."
    ),
    Verdict.COPY_BOUND: "Leave data on the GPU; copy from pinned memory, non_blocking=True, on a stream of its own.",
    Verdict.IDLE: "Look at what the CPU does in the gaps (a profile with stacks shows it), or move it elsewhere.",
    Verdict.UNKNOWN: (
        "On a GPU, profile some ten steps after warm-up, with both ProfilerActivity.CPU and ProfilerActivity.CUDA."
    ),
}

LAUNCH_BOUND_WITH_GRAPHS = (
    "Graphs bring most of the work already. Record what is still launched one by one, make graphs fewer and larger, "
    "or launch the next step before this one is done (overlap scheduling)."
)


def judge(shares: Shares) -> Verdict:
    """Return what holds a program with these shares up."""
    cause = causes(shares)[0]
    if shares.copying > shares.computing + shares.between and shares.copying >= cause[0]:
        return Verdict.COPY_BOUND
    return Verdict.GPU_BOUND if shares.held_up < HELD_UP_MATTERS else cause[1]


def causes(shares: Shares) -> list[tuple[float, Verdict]]:
    """Return why the GPU waits for the CPU, with the share of each cause, the greatest first."""
    found = [
        (shares.launching, Verdict.LAUNCH_BOUND),
        (shares.waiting, Verdict.SYNC_BOUND),
        (shares.elsewhere, Verdict.IDLE),
    ]
    return sorted(found, key=lambda cause: -cause[0])


def advice(verdict: Verdict, graph_share: float) -> str:
    """Return what to do about a verdict on a program of whose work graphs bring the share `graph_share`."""
    if verdict is Verdict.LAUNCH_BOUND and graph_share >= GRAPHS_ALREADY:
        return LAUNCH_BOUND_WITH_GRAPHS
    return ADVICE[verdict]


def stalled(shares: Shares) -> str:
    """Return a sentence on work that is there and does not run, "" where that is gaps between kernels."""
    if shares.between < STALLED:
        return ""
    return (
        f"Work is there and yet nothing runs {shares.between:.0%} of the time. Kernels may be as short as the gaps "
        "between them. Else the GPU waits for another stream or another GPU, or it does what was launched before the "
        "profiler began, which no trace shows: profile more steps."
    )


def close_call(shares: Shares) -> str:
    """Return a sentence on how near another verdict is, "" if none is near."""
    first, second = causes(shares)[:2]
    if judge(shares) is Verdict.COPY_BOUND:
        return ""
    if abs(shares.held_up - HELD_UP_MATTERS) < CLOSE / 2:
        return f"A close call: the GPU waits {shares.held_up:.0%} of the time; the line is at {HELD_UP_MATTERS:.0%}."
    if judge(shares) is not Verdict.GPU_BOUND and first[0] - second[0] < CLOSE:
        return f"A close call: {first[1].value} ({first[0]:.0%}), nearly as much {second[1].value} ({second[0]:.0%})."
    return ""
