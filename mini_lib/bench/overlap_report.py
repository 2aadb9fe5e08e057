"""The result of `bench overlap` as tables and lanes for people. It shows what was measured and measures nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from mini_lib.bench.overlap_lanes import LEGEND, two_lanes
from mini_lib.bench.table import table
from mini_lib.timing import Timeline

LINE_WIDTH, LANE_CELLS = 110, 100
SHOWN_BATCHES = 4  # the lanes show the time that the sequential run took for so many
PARTS = {
    "scheduling": "  scheduling",
    "launch": "    of it launching",
    "compute": "  compute",
    "postprocess": "  postprocessing",
    "waiting": "  waiting (CPU idle)",
    "total": "  all together",
}
LOOPS = ("sequential", "overlapped")


def overlap_report(result: Mapping[str, Any], runs: Mapping[str, Timeline]) -> str:
    """Return the whole report, section by section. `runs` are the timelines of the two runs that are shown."""
    sections = [_head(result), _loops(result), _comparison(result), _sizes(result), _lanes(result, runs)]
    return "\n\n".join(sections)


def _head(result: Mapping[str, Any]) -> str:
    load = result["load"]
    asked = (
        f"{load['num_batches']} batches of {load['batch_size']}: scheduling {load['scheduling_ms']:g} ms, compute "
        f"{load['compute_ms']:g} ms, postprocessing {load['postprocess_ms']:g} ms, on {result['device']}"
    )
    return "\n".join([asked, *textwrap.wrap(result["note"], LINE_WIDTH)])


def _loops(result: Mapping[str, Any]) -> str:
    sequential, overlapped = (result[loop] for loop in LOOPS)
    rows = [["total, ms", *(f"{run['total_ms']:.1f}" for run in (sequential, overlapped))]]
    rows += [["batches per second", *(f"{run['batches_per_s']:.1f}" for run in (sequential, overlapped))]]
    for part, label in PARTS.items():
        rows += [[f"{label}, ms per batch", *(f"{run['per_batch_ms'][part]:.2f}" for run in (sequential, overlapped))]]
    rows += [["CPU overhead (GPU idle), %", *(_percent(run["cpu_overhead"]) for run in (sequential, overlapped))]]
    rows += [
        ["CPU work hidden behind the GPU, %", *(_percent(run["hidden_share"]) for run in (sequential, overlapped))]
    ]
    rows += [["parallel efficiency, %", *(_percent(run["parallel_efficiency"]) for run in (sequential, overlapped))]]
    title = f"The same batches through both loops, the fastest of {result['rounds']} runs each"
    return f"{title}\n" + table(["what", *LOOPS], rows)


def _comparison(result: Mapping[str, Any]) -> str:
    first, later = result["overlapped"]["batches"][0], result["overlapped"]["batches"][1:]
    rows = [
        ["time saved", f"{result['saved_ms']:.1f} ms ({_percent(result['saved_share'])} %)"],
        ["speed-up", f"{result['speedup']:.2f}x"],
        ["ideal, (cpu + gpu) / max(cpu, gpu)", f"{result['ideal_speedup']:.2f}x"],
        ["speed-up / ideal", f"{_percent(result['share_of_ideal'])} %"],
        ["GPU idle before the first batch", f"{first['gpu_idle_before_ms']:.2f} ms"],
    ]
    if later:
        mean_ms = sum(batch["gpu_idle_before_ms"] for batch in later) / len(later)
        rows.append(["GPU idle before each later one, overlapped", f"{mean_ms:.2f} ms"])
    return "Overlapped against sequential\n" + table(["what", "result"], rows)


def _sizes(result: Mapping[str, Any]) -> str:
    header = ["batch", "scheduler us", "schedule ms", "compute ms", "postproc. ms"]
    header += ["overhead %", "overlapped %", "speed-up", "ideal", "tokens/s"]
    rows = []
    for row in result["by_batch_size"]:
        parts = row["sequential"]["per_batch_ms"]
        cells = [str(row["batch_size"]), f"{row['sequential']['scheduler_us']:.0f}"]
        cells += [f"{parts[part]:.2f}" for part in ("scheduling", "compute", "postprocess")]
        cells += [_percent(row[loop]["cpu_overhead"]) for loop in LOOPS]
        cells += [f"{row['speedup']:.2f}x", f"{row['ideal_speedup']:.2f}x", f"{row['overlapped']['tokens_per_s']:.0f}"]
        rows.append(cells)
    why = textwrap.wrap(result["table_note"], LINE_WIDTH)
    return "\n".join(["CPU overhead by batch size, sequential and overlapped", table(header, rows), *why])


def _lanes(result: Mapping[str, Any], runs: Mapping[str, Timeline]) -> str:
    shown_us = result["sequential"]["per_batch_ms"]["total"] * 1e3 * min(SHOWN_BATCHES, result["load"]["num_batches"])
    us_per_cell = shown_us / LANE_CELLS
    lines = [f"The first {shown_us / 1e3:.1f} ms of both runs as they were, one letter for {us_per_cell / 1e3:.2f} ms"]
    for loop in LOOPS:
        lines += [loop, two_lanes(runs[loop], us_per_cell, LANE_CELLS)]
    return "\n".join([*lines, LEGEND])


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"
