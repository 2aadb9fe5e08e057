"""`bench overlap`: what it makes of given spans, exactly, and a small run of its own, without a look at its times."""

from __future__ import annotations

import contextlib
import io
import json
import os

import pytest
import torch

from mini_lib.bench.__main__ import main
from mini_lib.bench.overlap import BATCH_SIZES, NUM_ROUNDS, bench_overlap
from mini_lib.bench.overlap_figures import compare, run_figures
from mini_lib.bench.overlap_lanes import two_lanes
from mini_lib.bench.overlap_report import LANE_CELLS, overlap_report
from mini_lib.bench.overlap_run import SCHEDULER, SPANS_OF_A_BATCH, Load
from mini_lib.timing import CPU, GPU, Span, Timeline

ARGUMENTS = ["overlap", "--batches", "3", "--scheduling-ms", "0.2", "--compute-ms", "1", "--postprocess-ms", "0.1"]
SMALL = Load(num_batches=3, batch_size=2, scheduling_ms=0.2, compute_ms=1.0, postprocess_ms=0.1)
NEEDS_FORK = pytest.mark.skipif(
    not hasattr(os, "fork") or torch.cuda.is_available(), reason="needs a process that can be forked: no CUDA"
)


def timeline(*spans):
    return Timeline(Span(lane, name, start * 1e3, end * 1e3) for lane, name, start, end in spans)


def two_batches(*, overlapped):
    """Two batches of 2 ms scheduling, 1 ms launching, 6 ms computing, 1 ms postprocessing, by hand."""
    second = 3 if overlapped else 10
    first_done, gpu = (9, 9) if overlapped else (9, 13)
    last = gpu + 6
    return timeline(
        (SCHEDULER, "schedule 0", 0, 0.5), (CPU, "schedule 0", 0, 2), (CPU, "launch 0", 2, 3), (GPU, "compute 0", 3, 9),
        (SCHEDULER, "schedule 1", second, second + 0.25), (CPU, "schedule 1", second, second + 2),
        (CPU, "launch 1", second + 2, second + 3), (GPU, "compute 1", gpu, last),
        (SCHEDULER, "process 0", first_done, first_done + 0.125), (CPU, "process 0", first_done, first_done + 1),
        (SCHEDULER, "process 1", last, last + 0.25), (CPU, "process 1", last, last + 1),
    )  # fmt: skip


LOAD = Load(num_batches=2, batch_size=4, scheduling_ms=2, compute_ms=6, postprocess_ms=1)


def test_the_figures_of_a_sequential_run_are_those_of_its_spans():
    figures = run_figures(two_batches(overlapped=False), LOAD)
    assert figures["total_ms"] == 20
    assert (figures["batches_per_s"], figures["tokens_per_s"]) == (100, 400)
    assert figures["per_batch_ms"] == {
        "scheduling": 3, "launch": 1, "compute": 6, "postprocess": 1, "waiting": 6, "total": 10,
    }  # fmt: skip
    assert (figures["cpu_overhead"], figures["hidden_share"], figures["parallel_efficiency"]) == (0.4, 0, 0.6)
    assert figures["scheduler_us"] == pytest.approx((625 + 500) / 2)
    assert [batch["gpu_idle_before_ms"] for batch in figures["batches"]] == [3, 4]


def test_the_figures_of_an_overlapped_run_keep_the_scheduling_that_is_hidden():
    figures = run_figures(two_batches(overlapped=True), LOAD)
    assert figures["total_ms"] == 16
    assert figures["per_batch_ms"]["scheduling"] == 3  # hidden, not gone
    assert [batch["scheduling_ms"] for batch in figures["batches"]] == [3, 3]
    assert (figures["cpu_overhead"], figures["hidden_share"]) == (0.25, 0.5)
    assert figures["parallel_efficiency"] == 0.75
    assert [batch["gpu_idle_before_ms"] for batch in figures["batches"]] == [3, 0]


def test_the_comparison_is_between_the_two_runs_and_the_ideal_comes_from_the_sequential_one():
    runs = {"sequential": two_batches(overlapped=False), "overlapped": two_batches(overlapped=True)}
    result = compare(runs, LOAD)
    assert (result["speedup"], result["saved_ms"], result["saved_share"]) == (1.25, 4, pytest.approx(0.2))
    assert result["ideal_speedup"] == (4 + 6) / 6
    assert result["share_of_ideal"] == 1.25 / (10 / 6)


def test_the_lanes_are_drawn_from_the_spans():
    assert two_lanes(two_batches(overlapped=True), us_per_cell=1000) == (
        "CPU  SSSsss...P.....p\n"
        "GPU  ...CCCCCCcccccc."
    )  # fmt: skip
    assert two_lanes(two_batches(overlapped=False), us_per_cell=1000, max_cells=12) == (
        "CPU  SSS......Pss\n"
        "GPU  ...CCCCCC..."
    )  # fmt: skip


def test_a_cell_belongs_to_whoever_fills_most_of_it_and_a_sliver_is_not_drawn():
    run = timeline((CPU, "schedule 0", 0, 1.4), (CPU, "process 1", 1.4, 2), (GPU, "compute 0", 2.6, 3))
    assert two_lanes(run, us_per_cell=1000) == "CPU  Sp.\nGPU  ..."


@pytest.fixture(scope="module")
def shown():
    """The two runs that a small benchmark shows."""
    return bench_overlap(SMALL, ARGUMENTS, progress=False)[1]


def starts_and_ends(run):
    return {span.name: (span.start_us, span.end_us) for span in run.spans if span.lane in (CPU, GPU)}


@NEEDS_FORK
@pytest.mark.parametrize("loop", ["sequential", "overlapped"])
def test_both_loops_run_the_same_batches_once_each(shown, loop):
    names = sorted(span.name for span in shown[loop].spans if span.lane in (CPU, GPU))
    assert names == sorted(f"{name} {step}" for name in SPANS_OF_A_BATCH for step in range(3))
    spans = starts_and_ends(shown[loop])
    for step in range(3):
        launched, _, began, computed, processed, _ = (
            t for name in SPANS_OF_A_BATCH[1:] for t in spans[f"{name} {step}"]
        )
        assert launched <= began <= computed <= processed


@NEEDS_FORK
def test_the_sequential_loop_processes_a_batch_before_it_schedules_the_next(shown):
    spans = starts_and_ends(shown["sequential"])
    for step in range(2):
        assert spans[f"process {step}"][1] <= spans[f"schedule {step + 1}"][0]


@NEEDS_FORK
def test_the_overlapped_loop_launches_a_batch_before_it_processes_the_one_before_from_the_first_on(shown):
    spans = starts_and_ends(shown["overlapped"])
    for step in range(2):
        assert spans[f"launch {step + 1}"][1] <= spans[f"process {step}"][0]


@NEEDS_FORK
def test_the_cpu_really_works_and_the_gpu_really_takes_the_time_that_was_asked_for(shown):
    run = shown["overlapped"]
    shortest = {name: min(span.duration_us for span in run.spans if span.name.startswith(name) and span.lane in lanes)
                for name, lanes in (("schedule", CPU), ("process", CPU), ("compute", GPU))}  # fmt: skip
    assert shortest["schedule"] >= 200 and shortest["process"] >= 100 and shortest["compute"] >= 1000


@pytest.fixture(scope="module")
def printed():
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        assert main(ARGUMENTS) == 0
    *report, last = stdout.getvalue().splitlines()
    return "\n".join(report), json.loads(last)


@NEEDS_FORK
def test_it_prints_all_that_was_asked_for_and_then_one_line_of_json(printed):
    report, result = printed
    assert report.isascii()
    for word in (
        *("batches per second", "scheduling, ms per batch", "compute, ms per batch", "postprocessing, ms per batch"),
        *("CPU overhead", "time saved", "speed-up", "ideal, (cpu + gpu) / max(cpu, gpu)", "parallel efficiency"),
        *("CPU  ", "GPU  ", "sequential", "overlapped"),
    ):
        assert word in report
    assert result["command"] == "python -m mini_lib.bench " + " ".join(ARGUMENTS)
    assert {"device", "torch", "python", "date", "version"} <= set(result)
    assert [row["batch_size"] for row in result["by_batch_size"]] == list(BATCH_SIZES)
    assert [len(totals) for totals in result["rounds_ms"].values()] == [NUM_ROUNDS, NUM_ROUNDS]


@NEEDS_FORK
def test_the_figures_hang_together(printed):
    _, result = printed
    for loop in ("sequential", "overlapped"):
        run = result[loop]
        parts = run["per_batch_ms"]
        assert run["total_ms"] == min(result["rounds_ms"][loop])
        assert parts["total"] == pytest.approx(run["total_ms"] / 3)
        assert parts["scheduling"] + parts["postprocess"] + parts["waiting"] == pytest.approx(parts["total"])
        assert parts["compute"] / parts["total"] == pytest.approx(1 - run["cpu_overhead"])
        assert 0 <= run["hidden_share"] <= 1 and 0 < run["parallel_efficiency"] <= 1
    assert result["speedup"] == result["sequential"]["total_ms"] / result["overlapped"]["total_ms"]


@NEEDS_FORK
def test_every_number_of_the_report_moves_with_the_run(printed):
    """The seed of this benchmark printed percentages that no run had produced."""
    _, result = printed
    runs = {"sequential": two_batches(overlapped=False), "overlapped": two_batches(overlapped=True)}
    other = {**result, **compare(runs, LOAD), "by_batch_size": [compare(runs, LOAD)]}
    report = overlap_report(other, runs)
    for figure in ("20.0", "16.0", "40.0", "25.0", "75.0", "1.25x", "1.67x", "4.0 ms (20.0 %)"):
        assert figure in report
    assert two_lanes(runs["overlapped"], us_per_cell=10_000 * 3 / LANE_CELLS, max_cells=LANE_CELLS) in report


@pytest.mark.parametrize("wrong", [["--batches", "0"], ["--compute-ms", "-1"], ["--postprocess-ms", "nan"],
                                   ["--scheduling-ms", "soon"], ["--scheduling-ms", "1e9"]])  # fmt: skip
def test_wrong_usage_says_how(wrong, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["overlap", *wrong])
    assert exit.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_where_no_worker_can_be_forked_it_ends_with_a_sentence(monkeypatch):
    monkeypatch.delattr(os, "fork", raising=False)
    with pytest.raises(SystemExit, match=r"bench overlap: The 'process' policy forks a worker"):
        main(["overlap"])
