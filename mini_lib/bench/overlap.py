"""`bench overlap`: the same batches through the normal and the overlap loop, with CPU work that is really done.

The loops take turns, `NUM_ROUNDS` times each, on one load and then on four batch sizes. Of each loop the fastest round
is shown, as it was: what disturbs a run on a shared machine only adds time, and no figure mixes two rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mini_lib.bench.overlap_figures import compare
from mini_lib.bench.overlap_run import EventLoop, Load, TimedGpu
from mini_lib.bench.provenance import one_cpu_thread, provenance
from mini_lib.graphs import recorder
from mini_lib.graphs.progress import progress_bar
from mini_lib.scheduling import event_loop_normal, event_loop_overlap
from mini_lib.timing import Timeline

LOOPS: dict[str, EventLoop] = {"sequential": event_loop_normal, "overlapped": event_loop_overlap}
NUM_ROUNDS = 3
BATCH_SIZES = (1, 4, 16, 64)
MAX_TABLE_BATCHES = 20  # per run of the table by batch size
NOTE = (
    "The GPU is a worker process that waits for the compute time without using a core; scheduling and postprocessing "
    "are the library's own scheduler and then a spinning CPU. How well loops overlap is measured; that a batch needs "
    "this long on a GPU is assumed, by you."
)
TABLE_NOTE = (
    "What grows with the batch size is the scheduler's own work: it really schedules that many requests, on top of the "
    "spinning, which stays. The compute time stays as given, as a decode step's nearly does while reading the weights "
    "dominates: they are read once, for 1 request or for 64."
)


def bench_overlap(load: Load, arguments: Sequence[str], progress: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the whole result of `bench overlap`, ready for JSON, and the timelines of the two runs that it shows."""
    loads = [load, *(_of_size(load, size) for size in BATCH_SIZES)]
    rounds = [(number, loop) for number in range(len(loads)) for _ in range(NUM_ROUNDS) for loop in LOOPS]
    with one_cpu_thread(), TimedGpu() as gpu:
        gpu.run(event_loop_normal, load._replace(num_batches=1))  # the first launch of all pays for pages that load
        runs: dict[tuple[int, str], list[Timeline]] = {key: [] for key in rounds}
        for number, loop in progress_bar(rounds, "Measuring", wanted=progress):
            runs[number, loop].append(gpu.run(LOOPS[loop], loads[number]))
        head = provenance("overlap", arguments, recorder)
    shown = [{loop: _fastest(runs[number, loop]) for loop in LOOPS} for number in range(len(loads))]
    result = {
        **head,
        "load": load._asdict(),
        "rounds": NUM_ROUNDS,
        **compare(shown[0], load),
        "rounds_ms": {loop: [run.duration_us / 1e3 for run in runs[0, loop]] for loop in LOOPS},
        "by_batch_size": [
            _without_batches(compare(pair, size)) for pair, size in zip(shown[1:], loads[1:], strict=True)
        ],
        "note": NOTE,
        "table_note": TABLE_NOTE,
    }
    return result, shown[0]


def _of_size(load: Load, batch_size: int) -> Load:
    return load._replace(batch_size=batch_size, num_batches=min(load.num_batches, MAX_TABLE_BATCHES))


def _fastest(runs: Sequence[Timeline]) -> Timeline:
    return min(runs, key=lambda run: run.duration_us)


def _without_batches(comparison: dict[str, Any]) -> dict[str, Any]:
    """Return the comparison without its lists of single batches, which nobody reads in a table."""
    runs = {loop: {key: value for key, value in comparison[loop].items() if key != "batches"} for loop in LOOPS}
    return {**comparison, **runs}
