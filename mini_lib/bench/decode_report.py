"""The result of `bench decode` as tables for people. It shows what was measured and measures nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from mini_lib.bench.table import table

LINE_WIDTH = 110


def decode_report(result: Mapping[str, Any]) -> str:
    """Return the whole report: decode steps by batch size and mode, then the step in which the prompts go in."""
    rows = sorted(result["rows"], key=lambda row: row["batch_size"])
    sections = [_head(result), _decode(rows), _prompts(rows), _words()]
    return "\n\n".join(sections)


def _head(result: Mapping[str, Any]) -> str:
    lines = [
        f"{result['model']} ({result['num_layers']} layers, {result['style']}), on {result['device']}, "
        f"torch {result['torch']}; medians of {result['steps']} steps a run"
    ]
    return "\n".join(lines + textwrap.wrap(result["note"], LINE_WIDTH))


def _decode(rows: list[Mapping[str, Any]]) -> str:
    header = ["batch", "cudagraph_mode", "runs as", "launches", "kernels", "graphs", "padded", "step us", "GPU us"]
    cells = [[*_counted(row, "decode"), f"{row['step_us']:.0f}", f"{row['gpu_us']:.0f}"] for row in rows]
    return "A decode step: every request brings one token\n" + table(header, cells)


def _prompts(rows: list[Mapping[str, Any]]) -> str:
    header = ["batch", "cudagraph_mode", "runs as", "launches", "kernels", "graphs", "padded"]
    title = "The step in which the prompts go in: no uniform decode, so the two halves of a policy differ"
    return f"{title}\n" + table(header, [_counted(row, "prompt") for row in rows])


def _counted(row: Mapping[str, Any], step: str) -> list[str]:
    counts = ("launches", "kernels", "graphs", "padded_tokens")
    return [str(row["batch_size"]), row["mode"], row[f"{step}_mode"], *(str(row[f"{step}_{name}"]) for name in counts)]


def _words() -> str:
    text = (
        "launches: of the forward pass, one per kernel and one per graph. padded: rows computed for nobody. step: from "
        "one launch by the CPU to the next, scheduling and sampling included. GPU: what the device worked in it."
    )
    return "\n".join(textwrap.wrap(text, LINE_WIDTH))
