"""Cells that show a trace, or a student's own functions at work; each runs on whether or not they are written yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.labs.attempts import attempt
from mini_lib.labs.lab01.fitting import TRACE
from mini_lib.labs.lab01.pictures import lanes
from mini_lib.labs.lab01.servers import SERVERS
from mini_lib.labs.lab01.sweep import FITTED, KERNEL, POINTS, RAN_US
from mini_lib.labs.watching import nobody_looks

BATCHES = (1, 8, 64, 256)


def show_trace(first: int = 107, num: int = 18) -> object | None:
    """Return a picture of a part of the trace: short kernels give way to long ones, and the queue fills."""
    if nobody_looks():
        return None
    from mini_lib.plots import two_lanes

    launches, kernels = (spans[first : first + num] for spans in TRACE)
    return two_lanes(
        lanes(launches, kernels, first), title=f"Launches {first} to {first + num - 1} of the trace (simulated)"
    )


def show_queue(launch_queue: Callable[..., Any], step_time: Callable[..., Any]) -> None:
    """Print, for kernels of growing length, when the student's queue ends and what the student's formula says."""
    print(f"{'kernel us':>10}{'played us':>12}{'formula us':>12}   (40 kernels, launch 7.5, gap 1, latency 2)")
    for kernel_us in (0.5, 3.0, 6.0, 7.0, 12.0, 40.0):
        played = attempt(launch_queue, [kernel_us] * 40, 7.5, 1.0, 2.0, 1024)
        formula = attempt(step_time, 40, kernel_us, 7.5, 1.0, 2.0)
        try:
            print(f"{kernel_us:>10}{played[1][-1][1]:>12.1f}{formula[0]:>12.1f}   {formula[1]}")
        except (TypeError, IndexError, ValueError, KeyError):  # one of them is not right yet, and its check says so
            return


def show_sweep(predict_sweep: Callable[..., Any]) -> None:
    """Print the student's predictions beside what the simulated runs took, and what a graph gains at each size."""
    times = attempt(predict_sweep, dict(FITTED), dict(KERNEL), [list(point) for point in POINTS])
    if not isinstance(times, list | tuple) or len(times) != len(POINTS):
        return
    print(f"{'kernels':>8}{'batch':>7}{'mode':>8}{'predicted us':>14}{'ran us':>10}{'off':>8}   (simulated)")
    for (mode, num_kernels, batch), mine, us in zip(POINTS, times, RAN_US, strict=True):
        try:
            print(f"{num_kernels:>8}{batch:>7}{mode:>8}{mine:>14.1f}{us:>10.1f}{mine / us - 1:>+8.1%}")
        except (TypeError, ValueError):
            return


def list_servers() -> None:
    """Print the three servers side by side, one line for each of their numbers."""
    for number, name in enumerate(SERVERS, start=1):
        print(f"server {number}: {name}")
    print(f"\n{'':<18}" + "".join(f"{f'server {number}':>12}" for number in range(1, len(SERVERS) + 1)))
    for key in next(iter(SERVERS.values())):
        print(f"{key:<18}" + "".join(f"{server[key]:>12,}" for server in SERVERS.values()))


def show_servers(enforce_eager: Callable[..., Any]) -> None:
    """Print for three servers what the student's function decides, and the number that decides it."""
    for name, server in SERVERS.items():
        decided = attempt(enforce_eager, dict(server))
        try:
            eager, seconds = decided
            print(f"{name:<42}{'eager' if eager else 'graphs':<8}graphs save {seconds:>10,.1f} s from start to start")
        except (TypeError, ValueError):
            return
