"""`bench targets`: each value follows from the rows of a recorded run, also where it misses the goal.

The runs here are synthetic: numbers made up in this file so that the answer is known, of a device that does not exist.
"""

import json
from types import SimpleNamespace

import pytest

from mini_lib.bench import target_figures as figures
from mini_lib.bench import target_simulator
from mini_lib.bench.__main__ import main
from mini_lib.bench.target_figures import Figure, NotMeasuredError
from mini_lib.bench.targets import MET, MISSED, NOT_MEASURED, Target, at_least, at_most, row_of, target_rows
from mini_lib.config import ModelConfig
from mini_lib.sim import RecordedRun, StepShape, bytes_read_per_step
from tests.bench.synthetic_run import synthetic_rows

MACHINE = {"device": "synthetic H200", "driver": "1", "torch": "2", "cuda": "3", "python": "3", "date": "2026-01-02"}
NUM_TARGETS = 17


def made_up(machine=None, **parts):
    parts = {name: {"command": f"record {name}", "date": "2026-01-02", "rows": rows} for name, rows in parts.items()}
    return RecordedRun(MACHINE | (machine or {}), parts)


def step(model, style, mode, us, **changes):
    return {"model": model, "style": style, "mode": mode, "batch": 1, "context": 1024, "median_us": us, "equal": True,
            **changes}  # fmt: skip


STEPS = [
    step("qwen3-0.6b", "naive", "NONE", 12_000.0), step("qwen3-0.6b", "naive", "FULL", 2_500.0),
    step("qwen3-0.6b", "fused", "FULL", 800.0), step("qwen3-0.6b", "inductor", "FULL", 750.0),
    step("qwen3-0.6b", "fused", "PIECEWISE", 900.0), step("qwen3-0.6b", "lean", "FULL", 10.0, equal=False),
    step("qwen3-0.6b", "fused", "FULL", 20.0, batch=2),
    step("llama-3-8b", "fused", "FULL", 4_000.0), step("llama-3-8b", "fused", "PIECEWISE", 4_600.0),
]  # fmt: skip
COPIES = [{"what": "copy", "copy_gb_per_s": rate, "equal": True} for rate in (4000.0, 4300.0)]
PIECES = [
    {"what": "pieces", "model": "llama-3-8b", "pieces": pieces, "median_us": 4000.0 + 15.0 * pieces, "equal": True}
    for pieces in (1, 2, 3, 5, 33)
]
CAPTURES = [
    {"what": "captures", "pool": "shared", "order": order, "sizes": 35, "seconds": seconds, "model": "m", "style": "s",
     "pool_bytes": 3 * 2**20, "largest_bytes": 2**21, "device_bytes": 2**27}
    for order, seconds in (("smallest first", 9.0), ("largest first", 2.5))
]  # fmt: skip
PAID = [
    {"what": "paid", "style": style, "size": size, "capture_ms": 20.0, "eager_us": 5000.0, "replay_us": 1000.0,
     "replays": replays, "model": "m", "equal": True}
    for style, size, replays in (("fused", 8, 99.0), ("naive", 1, 88.0), ("fused", 1, 5.0))
]  # fmt: skip
OVERLAPS = [
    {"what": "overlap", "model": "llama-3-8b", "share": tenths / 10, "share_of_ideal": got, "speedup": 1.1,
     "ideal_speedup": 1.2, "equal": True}
    for tenths, got in enumerate((0.2, 0.99, 0.98, 0.97, 0.96, 0.93, 0.95, 0.99, 0.98, 0.1))
]  # fmt: skip
IDLE = [{"what": "idle", "model": "llama-3-8b", "idle_share": 0.004, "batch": 8}]
GENERATIONS = [
    {"what": "generation", "model": "gpt2", "prompt_tokens": 128, "new_tokens": 32, "tokens_per_s": speed, "style": "s",
     "mode": "FULL", "loop": loop, "equal": equal}
    for speed, loop, equal in ((1000.0, "normal", True), (2411.5, "overlap", True), (9999.0, "overlap", False))
]  # fmt: skip
RUN = made_up(launch=[*COPIES, *PIECES, *CAPTURES, *PAID], step=STEPS, serve=[*OVERLAPS, *IDLE, *GENERATIONS])


@pytest.mark.parametrize(
    ("figure", "arguments", "value"),
    [
        (figures.same_kernels, (), 4.8),
        (figures.best_step, (), 16.0),
        (figures.piecewise_tax, (), 1.15),
        (figures.tax_is_a_line, (), 1.0),
        (figures.share_of_ideal, (), 0.93),
        (figures.idle_share, (), 0.004),
        (figures.generation, (), 2.5),
        (figures.replays_to_pay, (), 5.0),
        (figures.capture_seconds, (), 2.5),
        (figures.pool_ratio, (), 1.5),
    ],
)
def test_a_value_follows_from_the_rows(figure, arguments, value):
    found = figure([RUN], *arguments)
    assert found.value == pytest.approx(value)
    assert "recorded on synthetic H200 (driver 1, torch 2) on 2026-01-02 by `record " in found.how


def test_the_share_of_bandwidth_counts_what_a_step_has_to_read_over_the_fastest_copy():
    num_bytes = bytes_read_per_step(ModelConfig.llama_3_8b(), StepShape.decode(1, 1024))
    found = figures.bandwidth_share([RUN], "llama-3-8b")
    assert found.value == pytest.approx(num_bytes / 4e-3 / 4300e9)
    with pytest.raises(NotMeasuredError, match="copy bandwidth of synthetic H200 was not recorded"):
        figures.bandwidth_share([made_up(step=STEPS)], "llama-3-8b")


def test_a_tax_that_is_no_line_has_a_small_r_squared():
    bent = [row | {"median_us": 4000.0 + (row["pieces"] % 3) * 100} for row in PIECES]
    assert figures.tax_is_a_line([made_up(launch=bent)]).value < 0.9
    with pytest.raises(NotMeasuredError, match="fewer than three"):
        figures.tax_is_a_line([made_up(launch=PIECES[:2])])


def test_steps_whose_outputs_were_wrong_are_no_measurement():
    wrong = [row | {"equal": False} if row["style"] == "naive" else row for row in STEPS]
    with pytest.raises(NotMeasuredError, match="its outputs were not those of eager execution"):
        figures.same_kernels([made_up(step=wrong)])


def test_a_sweep_that_was_interrupted_is_not_judged():
    with pytest.raises(NotMeasuredError, match=r"recorded in part"):
        figures.share_of_ideal([made_up(serve=OVERLAPS[:8])])


def test_another_gpu_is_not_compared_with_the_published_figure():
    with pytest.raises(NotMeasuredError, match="of an H200, and this was recorded on synthetic L4"):
        figures.generation([made_up({"device": "synthetic L4"}, serve=GENERATIONS)])


def test_a_newer_run_of_another_gpu_does_not_hide_the_one_that_can_be_compared():
    newer = made_up({"device": "synthetic A100", "date": "2026-02-03"}, serve=GENERATIONS)
    assert figures.generation([RUN, newer]).value == pytest.approx(2.5)


def test_a_damaged_row_is_a_reason_and_no_crash():
    damaged = [made_up(launch=[PAID[2] | {"capture_ms": None}])]
    lacking = [made_up(step=[step("qwen3-0.6b", "naive", "NONE", 9.0), step("qwen3-0.6b", "naive", "FULL", 0.0)])]
    for figure, runs in ((figures.replays_to_pay, damaged), (figures.same_kernels, lacking)):
        row = row_of(Target("a name", at_most(1, None, "{:.1f}"), lambda figure=figure, runs=runs: figure(runs)))
        assert row.verdict == NOT_MEASURED and "A recorded row is damaged" in row.how


def test_a_capture_that_never_pays_says_so():
    with pytest.raises(NotMeasuredError, match="never pays"):
        figures.replays_to_pay([made_up(launch=[PAID[2] | {"replays": None}])])


def test_the_newest_run_that_counts_is_taken():
    newer = made_up({"date": "2026-02-03"}, serve=[IDLE[0] | {"idle_share": 0.5}])
    twin = made_up({"device": "CPU twin (x86_64)"}, serve=[IDLE[0] | {"idle_share": 0.9}])
    quick = made_up({"plan": "quick"}, serve=[IDLE[0] | {"idle_share": 0.8}])
    assert figures.idle_share([RUN, newer, twin, quick]).value == 0.5
    for none_that_counts in ([], [twin], [quick]):
        with pytest.raises(NotMeasuredError, match="record serve on one"):
            figures.idle_share(none_that_counts)


@pytest.mark.parametrize(
    ("bound", "value", "verdict", "goal", "stretch"),
    [
        (at_least(4, 6, "{:.1f}x"), 4.0, MET, ">= 4.0x", ">= 6.0x"),
        (at_least(4, 6, "{:.1f}x"), 3.9, MISSED, ">= 4.0x", ">= 6.0x"),
        (at_most(0.03, None, "{:.0%}"), 0.03, MET, "<= 3%", "-"),
        (at_most(0.03, None, "{:.0%}"), 0.031, MISSED, "<= 3%", "-"),
    ],
)
def test_a_verdict_is_the_value_against_the_goal(bound, value, verdict, goal, stretch):
    row = row_of(Target("a name", bound, lambda: Figure(value, "by hand")))
    assert (row.verdict, row.goal, row.stretch, row.number, row.how) == (verdict, goal, stretch, value, "by hand")


@pytest.fixture
def fake_speed(monkeypatch):
    """Two made-up speeds in place of minutes of simulating; the number of requests that was asked for is kept."""
    asked = []

    def measure(num_requests, progress):
        asked.append(num_requests)
        return SimpleNamespace(stepped_ratio=40.0, fast_forward_ratio=2000.0, how="made up", equal=num_requests > 100)

    monkeypatch.setattr(target_simulator, "measure_simulation_speed", measure)
    return asked


def test_with_nothing_recorded_every_line_that_needs_a_gpu_says_so(fake_speed):
    rows = target_rows([])
    assert len(rows) == NUM_TARGETS and fake_speed == [10_000]
    assert {row.verdict for row in rows if not row.name.startswith("simulated")} == {NOT_MEASURED}
    assert all("No GPU has recorded it" in row.how for row in rows if row.verdict == NOT_MEASURED)
    assert {row.name: row.verdict for row in rows if row.verdict != NOT_MEASURED} == {
        "simulated / wall seconds, stepped": MISSED,
        "simulated / wall seconds, fast-forward": MET,
    }


def test_the_quick_speed_is_told_and_not_judged(fake_speed):
    rows = [row for row in target_rows([], quick=True) if row.name.startswith("simulated")]
    assert fake_speed == [500] and [row.verdict for row in rows] == [NOT_MEASURED] * 2
    assert all(row.how.startswith("--quick: 500 requests and not 10,000") and "made up" in row.how for row in rows)


def test_a_speed_does_not_count_if_leaps_and_steps_disagree(fake_speed, monkeypatch):
    monkeypatch.setattr(target_simulator, "QUICK_REQUESTS", 50)
    rows = [row for row in target_rows([], quick=True) if row.name.startswith("simulated")]
    assert [row.verdict for row in rows] == [NOT_MEASURED] * 2 and "different results" in rows[0].how


def test_the_goals_are_those_of_the_course(fake_speed):
    goals = [
        f"{row.goal} {row.stretch}".replace(" -", "").replace(">= ", "").replace("<= ", "") for row in target_rows([])
    ]
    assert goals == [
        "3.0% 1.5%", "8.0%", "100.0%", "50x 150x", "1,000x 10,000x", "4x 6x", "12x 20x", "80.0% 90.0%", "55.0% 65.0%",
        "2x 3x", "1.1x 1.03x", "0.990", "0.970 0.990", "1.0% 0.3%", "4.0 2.0", "2.00 s 0.70 s", "1.15x 1.05x",
    ]  # fmt: skip


def test_the_simulators_error_is_that_of_points_held_out():
    rows = synthetic_rows(
        0.005, models=("qwen3-0.6b", "llama-3.2-1b"), styles=("fused", "naive"), batches=(1, 4, 16, 64)
    )
    error = target_simulator.SimulatorError([made_up(step=rows)])
    assert error.mean().value < 0.03 and "points, each of 2 models held out in turn" in error.mean().how
    assert "% where the batch size was held out as well)" in error.mean().how
    assert error.mean().value <= error.worst().value
    assert error.mode_order().value == 1.0


def test_too_few_steps_to_fit_are_a_reason_and_no_crash():
    error = target_simulator.SimulatorError([made_up(step=STEPS[:1])])
    with pytest.raises(NotMeasuredError, match="cannot be fitted"):
        error.mean()


def test_the_command_prints_a_table_notes_and_json(fake_speed, tmp_path, capsys):
    content = {"schema": "launch-bound/recorded", "version": 1, "machine": RUN.machine, "parts": RUN.parts}
    (tmp_path / "synthetic_2026-01-02.json").write_text(json.dumps(content))
    assert main(["targets", "--quick", "--data", str(tmp_path)]) == 0
    *report, last = capsys.readouterr().out.splitlines()
    rows = {row["name"]: row for row in json.loads(last)["rows"]}
    assert len(rows) == NUM_TARGETS
    assert (rows["naive eager / best step"]["value"], rows["naive eager / best step"]["verdict"]) == ("16x", MET)
    assert (rows["capture of 35 sizes"]["value"], rows["capture of 35 sizes"]["verdict"]) == ("2.50 s", MISSED)
    assert rows["share of copy bandwidth, 1B"]["verdict"] == NOT_MEASURED
    assert any(line.split()[1:5] == ["naive", "eager", "/", "best"] for line in report)
    assert "\n".join(report).isascii() and "not measured" in report[-2]


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="is no folder"):
        main(["targets", "--data", str(tmp_path / "nowhere")])


def test_a_damaged_run_is_named(tmp_path):
    (tmp_path / "synthetic_2026-01-02.json").write_text("{")
    with pytest.raises(SystemExit, match="is no JSON, or breaks off"):
        main(["targets", "--data", str(tmp_path)])
