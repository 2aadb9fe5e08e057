"""Cells that show a student's own pieces at work; each runs on whether or not the piece is written yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.config import ModelConfig
from mini_lib.labs.lab07.desk import COSTS
from mini_lib.labs.lab07.engine_run import PatientClock
from mini_lib.labs.lab07.findings import Fault
from mini_lib.labs.lab07.loop_run import run_loop
from mini_lib.labs.lab07.map_script import run_script
from mini_lib.labs.lab07.pictures import timeline_of
from mini_lib.labs.lab07.ring_run import require_workload, run_in_ring, script_of
from mini_lib.labs.watching import nobody_looks
from mini_lib.timing import CPU

TEN_TOKENS = [([5, 0, 3], 10, 0.0)]  # one request of ten steps
_SMALL: dict[str, Any] = {"max_num_seqs": 4, "capture_sizes": [1, 2, 4]}
_PROMPTS = [[5, 0, 3], [8, 1], [11, 2, 7, 7, 4], [6]]


def loop_us(loop: Callable[..., Any], *, overlap: bool) -> float | None:
    """Return how long a right loop takes for ten steps on the virtual device, None where it is not right yet."""
    try:
        run = run_loop(loop, TEN_TOKENS, {}, overlap=overlap)
    except NotImplementedError:
        return None
    return None if run["fault"] else timeline_of(run).end_us


def show_loops(event_loop_normal: Callable[..., Any], event_loop_overlap: Callable[..., Any]) -> object | None:
    """Return a picture of ten steps by both loops; say which is not written yet."""
    lanes = {}
    for name, loop, overlap in (("sequential", event_loop_normal, False), ("overlap", event_loop_overlap, True)):
        if loop_us(loop, overlap=overlap) is None:
            print(f"The {name} loop is not right yet: this cell has more to show once it is.")
        else:
            lanes[name] = timeline_of(run_loop(loop, TEN_TOKENS, {}, overlap=overlap))
    if nobody_looks() or not lanes:
        return None
    from mini_lib.plots import compare_lanes

    first_us = 4 * sum(COSTS)  # of ten steps, so that the names fit
    return compare_lanes(lanes, title="Ten decode steps by your loops: how they begin", first_us=first_us)


def show_loss(corrupting_workload: Callable[..., Any], make_map: Callable[..., Any]) -> None:
    """Print for several sizes in which step a ring loses a token, and what the student's own map makes of it."""
    for max_num_seqs in (2, 3, 4, 8):
        try:
            run = run_in_ring(require_workload(corrupting_workload(max_num_seqs)), max_num_seqs)
            mine = run_script(make_map, max_num_seqs, script_of(run))["told"]
        except NotImplementedError:
            print("Not written yet: this cell has more to show once workload and map are.")
            return
        except (Fault, Exception) as error:
            print(f"max_num_seqs={max_num_seqs}: {type(error).__name__}: {error}")
            continue
        lost = f"lost in {run.lost.step + 1}, counting the one that reads it" if run.lost else "nothing is lost"
        print(f"max_num_seqs={max_num_seqs}: {len(run.steps)} steps; in a ring: {lost}.")
        print(f"    {make_map.__name__}: {mine or 'every token is there.'}")


def show_engine(overlapped_engine: Callable[..., Any]) -> None:
    """Print what the student's engine does with four prompts, with graphs: the order of its work, and its steps."""
    if nobody_looks():
        return
    try:
        with overlapped_engine(ModelConfig.exact(), clock=PatientClock, **_SMALL) as engine:
            engine.generate(_PROMPTS, max_new_tokens=8)
            modes = [step.mode.name for step in engine.stats.steps]
            order = [span.name for span in engine.timeline.lane(CPU) if span.name.startswith(("launch", "process"))]
    except (Fault, Exception) as error:  # whatever a student's pieces do, the notebook runs on
        print(f"No engine yet ({type(error).__name__}): this cell has more to show once 7.6 is right.")
        return
    print(f"{len(modes)} steps, NONE for eager, FULL for one graph: {', '.join(modes)}")
    lines = [", ".join(order[first : first + 8]) for first in range(0, len(order), 8)]
    print("in this order:", *lines, sep="\n    ")


def show_gains(loop_times: Callable[..., Any]) -> None:
    """Print how much faster a hundred overlapped steps are, by the student's own times, as the GPU's part grows."""
    schedule_us, process_us = 200, 150
    print(f"{'GPU us per step':>16}{'sequential us':>15}{'overlapped us':>15}{'gain':>7}   (CPU: 350 us per step)")
    for gpu_us in (4, 50, 150, 350, 600, 2000, 35_000):
        try:
            sequential, overlapped = loop_times(100, schedule_us, gpu_us, process_us)
            print(f"{gpu_us:>16,}{sequential:>15,.0f}{overlapped:>15,.0f}{sequential / overlapped:>7.2f}")
        except Exception as error:  # whatever a student's function does, the notebook runs on
            print(f"loop_times is not written yet ({type(error).__name__}): this cell has more to show once it is.")
            return
