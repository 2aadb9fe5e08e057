"""What a part holds by now, as a short table for people. It shows what was measured and measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_lib.bench.recording.file import RecordingFile
from mini_lib.bench.table import table

HEAD = ("what", "model", "style", "mode", "batch", "loop", "pool", "order", "size", "nodes", "way", "pieces", "share")
VALUES = (
    *("copy_gb_per_s", "tflops", "fixed_us", "node_us", "eager_launch_us", "capture_ms", "seconds", "replays"),
    *("share_of_ideal", "idle_share", "tokens_per_s", "median_us", "equal"),
)


def record_report(part: str, file: RecordingFile) -> str:
    """Return where the part was measured, its rows by kind, and what is missing from it."""
    machine, content = file.machine, file.part
    lines = [f"Part {part!r} on {machine['device']}, torch {machine['torch']}, plan {machine['plan']!r}"]
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in content["rows"]:
        kinds.setdefault(str(row.get("what", "step")), []).append(row)
    lines += [_table(rows) for rows in kinds.values()]
    lines += content["skipped"]
    lines += [f"Failed, and not measured: {unit}. Why is written above." for unit in file.failed]
    state = "complete" if content["complete"] else "not complete: run the same again, and it goes on from here"
    lines.append(f"{len(content['rows'])} rows, {state}. {_where(file)}")
    return "\n\n".join(lines)


def _table(rows: list[Mapping[str, Any]]) -> str:
    columns = [key for key in (*HEAD, *VALUES) if any(key in row for row in rows)]
    return table(columns, [[_cell(row.get(key, "")) for key in columns] for row in rows])


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _where(file: RecordingFile) -> str:
    if file.path is None:
        return "Nothing was written: say where with --out FOLDER."
    return f"Written to {file.path}."
