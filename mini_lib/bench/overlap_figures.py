"""What the spans of two runs say: totals, shares, and how much of the possible overlap there was.

Everything is a sum or a ratio of recorded spans. The one formula is the ideal: a loop that overlaps perfectly takes
max(cpu, gpu) per batch where the sequential one takes cpu + gpu, with the times that the sequential run had. A run
stays below it, if only because the first batch has nothing to hide its scheduling behind. (Above it: the sequential run
was disturbed by something else on this machine.)
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from mini_lib.bench.overlap_run import SCHEDULER, SPANS_OF_A_BATCH, Load
from mini_lib.timing import CPU, GPU, Span, Timeline

_PARTS = ("scheduling", "launch", "compute", "postprocess")


def compare(runs: Mapping[str, Timeline], load: Load) -> dict[str, Any]:
    """Return the figures of the runs "sequential" and "overlapped", and of one against the other.

    `share_of_ideal` is the speed-up as a share of the ideal one: what machine, worker and loop left of it.
    """
    figures = {loop: run_figures(run, load) for loop, run in runs.items()}
    total_ms, overlapped_ms = figures["sequential"]["total_ms"], figures["overlapped"]["total_ms"]
    speedup, ideal = total_ms / overlapped_ms, ideal_speedup(figures["sequential"]["per_batch_ms"])
    return {
        "batch_size": load.batch_size,
        **figures,
        "speedup": speedup,
        "ideal_speedup": ideal,
        "share_of_ideal": speedup / ideal,
        "saved_ms": total_ms - overlapped_ms,
        "saved_share": 1 - overlapped_ms / total_ms,
    }


def ideal_speedup(per_batch_ms: Mapping[str, float]) -> float:
    """Return (cpu + gpu) / max(cpu, gpu), the CPU's part being scheduling and postprocessing.

    >>> ideal_speedup({"scheduling": 2.0, "compute": 10.0, "postprocess": 1.0})
    1.3
    """
    cpu_ms, gpu_ms = per_batch_ms["scheduling"] + per_batch_ms["postprocess"], per_batch_ms["compute"]
    return (cpu_ms + gpu_ms) / max(cpu_ms, gpu_ms)


def run_figures(run: Timeline, load: Load) -> dict[str, Any]:
    """Return what one run took, in milliseconds; shares are between 0 and 1.

    `cpu_overhead` is the share of the run in which the GPU had nothing to do: only the CPU can be the reason.
    `hidden_share` is the share of the CPU's work that was done while the GPU worked. `parallel_efficiency` is the busy
    time of the busier lane as a share of the total: 1 if it never waits for the other. `per_batch_ms` are means, and
    its `waiting` is the time in which the CPU did nothing. `scheduler_us` is the median of the scheduler's own work on
    one batch, without the spinning.
    """
    total_ms = run.duration_us / 1e3
    spans = {span.name: span for span in run.spans if span.lane in (CPU, GPU)}
    batches = [one_batch(spans, step) for step in range(load.num_batches)]
    means = {part: statistics.fmean(batch[f"{part}_ms"] for batch in batches) for part in _PARTS}
    rest = {"waiting": run.idle_us(CPU) / 1e3 / load.num_batches, "total": total_ms / load.num_batches}
    return {
        "total_ms": total_ms,
        "batches_per_s": load.num_batches / total_ms * 1e3,
        "tokens_per_s": load.num_batches * load.batch_size / total_ms * 1e3,
        "per_batch_ms": means | rest,
        "cpu_overhead": run.idle_share(GPU),
        "hidden_share": run.overlap_us(CPU, GPU) / run.busy_us(CPU),
        "parallel_efficiency": max(run.busy_us(CPU), run.busy_us(GPU)) / run.duration_us,
        "scheduler_us": scheduler_us(run),
        "batches": batches,
    }


def one_batch(spans: Mapping[str, Span], step: int) -> dict[str, float]:
    """Return the times of one batch, the launch being part of scheduling, and how long the GPU had been idle before."""
    schedule, launch, compute, process = (spans[f"{name} {step}"] for name in SPANS_OF_A_BATCH)
    free_from_us = spans[f"compute {step - 1}"].end_us if step else schedule.start_us
    return {
        "scheduling_ms": (schedule.duration_us + launch.duration_us) / 1e3,
        "launch_ms": launch.duration_us / 1e3,
        "compute_ms": compute.duration_us / 1e3,
        "postprocess_ms": process.duration_us / 1e3,
        "gpu_idle_before_ms": (compute.start_us - free_from_us) / 1e3,
    }


def scheduler_us(run: Timeline) -> float:
    """Return what the scheduler itself took for a batch, to make it and to process it: the median."""
    own: defaultdict[str, float] = defaultdict(float)
    for span in run.lane(SCHEDULER):
        own[span.name.split()[1]] += span.duration_us
    return statistics.median(own.values())
