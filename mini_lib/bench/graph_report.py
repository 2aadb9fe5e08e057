"""The result of `bench graph` as tables for people. It shows what was measured and measures nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from mini_lib.bench.table import mib, table

LINE_WIDTH, LABEL_WIDTH = 110, 20
MEMORY_TITLES = {
    "largest_first_shared_pool": "one pool, largest first",
    "smallest_first_shared_pool": "one pool, smallest first",
    "own_pools": "a pool each",
}


def graph_report(result: Mapping[str, Any]) -> str:
    """Return the whole report, section by section."""
    sections = [_head(result), _speed(result), _memory(result["memory"]), _constraints(result["constraints"])]
    return "\n\n".join(sections)


def _head(result: Mapping[str, Any]) -> str:
    lines = [f"{result['model']}, batch {result['batch']}, on {result['device']}, torch {result['torch']}"]
    return "\n".join(lines + textwrap.wrap(result["note"], LINE_WIDTH))


def _speed(result: Mapping[str, Any]) -> str:
    agreement = "bit for bit" if result["bit_equal"] else f"up to {result['max_abs_diff']:.1e}"
    rows = [
        ["normal execution", f"{result['eager_us']:.1f} us"],
        ["copy in and replay", f"{result['replay_us']:.1f} us"],
        ["speed-up", f"{result['speedup']:.2f}x"],
        ["saved per iteration", f"{result['saved_us']:.1f} us"],
        ["capture, once (with a warm-up)", f"{result['capture_ms']:.2f} ms"],
        ["replay equals eager", agreement],
    ]
    return f"Time per iteration, median of {result['iterations']}\n" + table(["what", "result"], rows)


def _memory(memory: Mapping[str, list[dict[str, Any]]]) -> str:
    rows = []
    for name, costs in memory.items():
        total = sum(cost["reserved_bytes"] for cost in costs) if name == "own_pools" else costs[-1]["reserved_bytes"]
        steps = " -> ".join(f"{cost['size']}: {mib(cost['reserved_bytes'])}" for cost in costs)
        rows.append([MEMORY_TITLES[name], mib(total), steps])
    title = "Memory of the graphs for several batch sizes, MiB reserved"
    return f"{title}\n" + table(["captured", "total", "rows: MiB"], rows)


def _constraints(findings: list[dict[str, Any]]) -> str:
    blocks = []
    for kind, title in (
        ("refused", "Refused: the first line of the error"),
        ("frozen", "Frozen: nothing is raised, and the answer is yesterday's"),
        ("allowed", "Allowed, though people think not"),
        ("unexpected", "Not as expected on this version"),
    ):
        lines = [line for each in findings if each["kind"] == kind for line in _finding(each)]
        if lines:
            blocks.append("\n".join([title, *lines]))
    return "\n\n".join(blocks)


def _finding(finding: Mapping[str, str]) -> list[str]:
    margin = " " * LABEL_WIDTH
    text = f"{finding['tried'].ljust(LABEL_WIDTH)}{finding['happened']}"
    lines = textwrap.wrap(text, LINE_WIDTH, subsequent_indent=margin, break_long_words=False)
    return lines + [f"{margin}instead: {finding['way_out']}"] * bool(finding["way_out"])
