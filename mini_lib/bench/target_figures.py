"""The values of `bench targets` that a GPU has to have recorded, each computed from the rows of one run.

Every function takes the recorded runs and returns the value with where it is from, of the newest run that counts and
has what is needed. Rows whose outputs were not those of eager execution are no measurement of the same thing, and are
not looked at.

Raises, in all of them:
    NotMeasuredError: no run has it; the sentence says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mini_lib.bench.recording.timed import line_through
from mini_lib.config import PRESETS
from mini_lib.sim import RecordedRun, StepShape, bytes_read_per_step
from mini_lib.sim.recorded import Row

QWEN, LLAMA_8B = "qwen3-0.6b", "llama-3-8b"
PUBLISHED_TOKENS_PER_S = 964.6  # SGLang with graphs on an H200: github.com/deepspeedai/DeepSpeed/pull/8352
PUBLISHED_ON = "H200"
SHARES = tuple(tenths / 10 for tenths in range(1, 9))  # of the GPU's time, as scheduler work
LADDER = 35  # sizes of mini-sglang's ladder up to 256

Runs = Sequence[RecordedRun]


class NotMeasuredError(Exception):
    """A value that cannot be had here; the message says why, and how it can be."""


class Figure(NamedTuple):
    """A value, and how it was obtained."""

    value: float
    how: str


def same_kernels(runs: Runs) -> Figure:
    """Return how many times faster a full graph of the naive kernels is than their eager run: Qwen3-0.6B, batch 1."""
    run, eager = _step(runs, QWEN, "naive", "NONE")
    _, graph = _step([run], QWEN, "naive", "FULL")
    return Figure(
        _us(eager) / _us(graph), f"{_us(eager):.0f} / {_us(graph):.0f} us, {QWEN}, batch 1; {run.source('step')}"
    )


def best_step(runs: Runs) -> Figure:
    """Return how many times faster the best step of any style and mode is than the naive eager one."""
    run, eager = _step(runs, QWEN, "naive", "NONE")
    best = min(_equal(run.rows("step", model=QWEN, batch=1)), key=_us)
    how = f"{_us(eager):.0f} / {_us(best):.0f} us ({best['style']}, {best['mode']}), {QWEN}, batch 1"
    return Figure(_us(eager) / _us(best), f"{how}; {run.source('step')}")


def bandwidth_share(runs: Runs, model: str) -> Figure:
    """Return the bytes that a fused full-graph step has to read, over its time, over the measured copy bandwidth."""
    run, step = _step(runs, model, "fused", "FULL")
    copies = _equal(run.rows("launch", what="copy"))
    if not copies:
        raise NotMeasuredError(f"The copy bandwidth of {run.device} was not recorded: .ci/gpu record launch.")
    copy_gb_per_s = max(float(row["copy_gb_per_s"]) for row in copies)
    num_bytes = bytes_read_per_step(PRESETS[model], StepShape.decode(1, int(step["context"])))
    gb_per_s = num_bytes / _us(step) / 1e3
    how = f"{num_bytes / 1e9:.3f} GB in {_us(step):.0f} us are {gb_per_s:.0f} of {copy_gb_per_s:.0f} GB/s"
    return Figure(gb_per_s / copy_gb_per_s, f"{how}; {run.source('step')}")


def generation(runs: Runs) -> Figure:
    """Return our best tokens per second over the published ones. Only an H200 is compared with an H200."""
    comparable = [run for run in runs if PUBLISHED_ON in run.device] or runs
    run, rows = newest_with(comparable, "serve", what="generation", model="gpt2", prompt_tokens=128, new_tokens=32)
    if PUBLISHED_ON not in run.device:
        raise NotMeasuredError(f"The published figure is of an {PUBLISHED_ON}, and this was recorded on {run.device}.")
    best = max(rows, key=lambda row: float(row["tokens_per_s"]))
    how = f"{best['tokens_per_s']:.0f} tokens/s ({best['style']}, {best['mode']}, {best['loop']} loop), 128 in, 32 out"
    return Figure(float(best["tokens_per_s"]) / PUBLISHED_TOKENS_PER_S, f"{how}; {run.source('serve')}")


def piecewise_tax(runs: Runs) -> Figure:
    """Return the time of a piecewise step over that of a full one, fused, batch 1, 8B; the other shapes in `how`."""
    run, _ = _step(runs, LLAMA_8B, "fused", "PIECEWISE")
    ratios: dict[str, float] = {}
    for row in _equal(run.rows("step", style="fused", mode="PIECEWISE", batch=1)):
        full = _equal(run.rows("step", model=row["model"], style="fused", mode="FULL", batch=1))
        ratios |= {row["model"]: _us(row) / _us(full[0])} if full else {}
    if LLAMA_8B not in ratios:
        raise NotMeasuredError(f"The full step of {LLAMA_8B} was not recorded beside the piecewise one.")
    others = ", ".join(f"{model} {ratio:.2f}" for model, ratio in ratios.items() if model != LLAMA_8B)
    return Figure(ratios[LLAMA_8B], f"others: {others or 'none'}; {run.source('step')}")


def tax_is_a_line(runs: Runs) -> Figure:
    """Return R² of the line through the times of one 8B step cut into 1 to L + 1 graphs."""
    run, rows = newest_with(runs, "launch", what="pieces", model=LLAMA_8B)
    if len(rows) < 3:
        raise NotMeasuredError("A line through fewer than three numbers of pieces says nothing.")
    line = line_through({int(row["pieces"]): _us(row) for row in rows})
    how = f"{line.slope:.2f} us a piece, {len(rows)} points from {rows[0]['pieces']} to {rows[-1]['pieces']} pieces"
    return Figure(line.r_squared, f"{how}; {run.source('launch')}")


def share_of_ideal(runs: Runs) -> Figure:
    """Return the overlap's speed-up over the ideal one, the worst of all swept amounts of scheduler work."""
    run, rows = newest_with(runs, "serve", what="overlap", model=LLAMA_8B)
    rows = [row for row in rows if row["share"] in SHARES]
    if len(rows) < len(SHARES):
        raise NotMeasuredError("The sweep of scheduler work was recorded in part: run .ci/gpu record serve again.")
    worst = min(rows, key=lambda row: float(row["share_of_ideal"]))
    how = f"the worst of {len(rows)}, at work {worst['share']:g} of the GPU's time: {worst['speedup']:.3f}x"
    return Figure(float(worst["share_of_ideal"]), f"{how} of {worst['ideal_speedup']:.3f}x; {run.source('serve')}")


def idle_share(runs: Runs) -> Figure:
    """Return the share of steady decode in which the GPU had nothing to do."""
    run, rows = newest_with(runs, "serve", what="idle", model=LLAMA_8B)
    seen = "by events around each: gaps inside a step are not seen, and copies of inputs are work"
    how = f"between steps, {seen}, batch {rows[0]['batch']}"
    return Figure(float(rows[0]["idle_share"]), f"{how}; {run.source('serve')}")


def replays_to_pay(runs: Runs) -> Figure:
    """Return how many replays of the fused step at batch 1 save what its capture took, warm-up included."""
    run, rows = newest_with(runs, "launch", what="paid", style="fused", size=1)
    row = rows[0]
    if row["replays"] is None:
        raise NotMeasuredError(
            f"It never pays: a replay took {row['replay_us']:.0f} us, eager {row['eager_us']:.0f} us."
        )
    saved_us = row["eager_us"] - row["replay_us"]
    how = f"{row['capture_ms']:.1f} ms over {saved_us:.0f} us a replay, {row['model']}, batch 1"
    return Figure(float(row["replays"]), f"{how}; {run.source('launch')}")


def capture_seconds(runs: Runs) -> Figure:
    """Return the seconds that all sizes of the ladder take, warm-ups included."""
    run, row = _ladder(runs)
    return Figure(
        float(row["seconds"]), f"{row['sizes']} full graphs of {row['model']}, {row['style']}; {run.source('launch')}"
    )


def pool_ratio(runs: Runs) -> Figure:
    """Return the allocator's bytes of the shared pool of all sizes over those of its largest size alone."""
    run, row = _ladder(runs)
    if not row["largest_bytes"]:
        raise NotMeasuredError("The largest size took no memory of its own, so there is nothing to compare with.")
    mib = {key: row[key] / 2**20 for key in ("pool_bytes", "largest_bytes", "device_bytes")}
    how = f"{mib['pool_bytes']:.1f} / {mib['largest_bytes']:.1f} MiB; {mib['device_bytes']:.0f} MiB less on the device"
    return Figure(row["pool_bytes"] / row["largest_bytes"], f"{how}; {run.source('launch')}")


def _ladder(runs: Runs) -> tuple[RecordedRun, Row]:
    run, rows = newest_with(runs, "launch", what="captures", pool="shared", order="largest first", sizes=LADDER)
    return run, rows[0]


def _step(runs: Runs, model: str, style: str, mode: str) -> tuple[RecordedRun, Row]:
    run, rows = newest_with(runs, "step", model=model, style=style, mode=mode, batch=1)
    return run, rows[0]


def newest_with(runs: Runs, part: str, **wanted: Any) -> tuple[RecordedRun, list[Row]]:
    """Return the newest run that counts and has rows like the wanted ones, and these."""
    for run in reversed(runs):
        rows = _equal(run.rows(part, **wanted)) if run.counts else []
        if rows:
            return run, rows
    what = ", ".join(f"{key} {value}" for key, value in wanted.items() if key != "what")
    if any(run.counts and run.rows(part, **wanted) for run in runs):
        raise NotMeasuredError(f"It was recorded ({what}), but its outputs were not those of eager execution.")
    raise NotMeasuredError(f"No GPU has recorded it{what and f' ({what})'}: run .ci/gpu record {part} on one.")


def _equal(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("equal", True)]


def _us(row: Row) -> float:
    return float(row["median_us"])
