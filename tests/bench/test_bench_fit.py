"""The fit finds hidden constants again, judges itself on what it has not seen, and can fail.

Every run here is synthetic: prices of a hidden device with noise. No figure below says anything about a GPU.
"""

from __future__ import annotations

import json

import pytest

from mini_lib.bench.__main__ import main
from mini_lib.bench.fit import FittedRun, fit_recorded, fit_result, nearest_profile, newest_gpu_run
from mini_lib.bench.fit_constants import CONSTANTS, fit
from mini_lib.bench.fit_pictures import pictures
from mini_lib.bench.fit_report import fit_report
from mini_lib.bench.fit_rows import StepRows, counts_of, values_of
from mini_lib.bench.fit_validation import Point, Validation, validate
from mini_lib.config import PRESETS
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim import PROFILES, RecordedRun, StepPricer, StepShape
from mini_lib.sim.recorded_steps import simulated_us
from tests.bench.synthetic_run import HIDDEN, HOST_US, synthetic_rows, synthetic_run

H200 = PROFILES["H200"]
ROWS = synthetic_rows()


@pytest.fixture(scope="module")
def fitted() -> FittedRun:
    return fit_recorded(synthetic_run(ROWS))


def test_rows_as_arrays_cost_what_the_pricer_says():
    """Two roads to one price: numpy over counted kernels, and the closed form."""
    rows = synthetic_rows(noise=0.0)
    prices = StepRows(rows).steady_us(values_of(HIDDEN, HOST_US))
    assert list(prices) == pytest.approx([row["median_us"] for row in rows], rel=1e-12)
    assert prices[7] == pytest.approx(simulated_us(rows[7], HIDDEN, HOST_US), rel=1e-12)


def test_rows_count_the_launches_that_a_price_counts():
    for row in ROWS[::17]:
        pricer, shape = StepPricer(PRESETS[row["model"]], row["style"], H200), StepShape.decode(row["batch"], 256)
        price, counts = pricer.price(CUDAGraphMode[row["mode"]], shape), counts_of(row)
        assert (counts.kernels, counts.graphs) == (price.kernels, price.graphs)


def test_a_fit_recovers_the_hidden_constants_that_steps_show(fitted):
    """kernel_us + graph_gap_us, kernel_us + gap_us: the three alone nobody can see."""
    found, hidden = fitted.fit.values, values_of(HIDDEN, HOST_US)
    for name in ("launch_us", "own_op_us", "copy_gb_per_s"):
        assert found[name] == pytest.approx(hidden[name], rel=0.01)
    for name in ("graph_launch_us", "tflops", "host_us"):
        assert found[name] == pytest.approx(hidden[name], rel=0.10)
    for gap in ("gap_us", "graph_gap_us"):
        assert found["kernel_us"] + found[gap] == pytest.approx(hidden["kernel_us"] + hidden[gap], rel=0.02)
    assert len(fitted.fit.fitted) == 8


def test_a_fit_without_noise_is_exact_though_it_starts_elsewhere():
    rows = synthetic_rows(noise=0.0)
    for base in (H200, PROFILES["T4"], PROFILES["generic host"]):
        validation = validate(rows, base)
        assert validation.mape < 1e-4 and abs(validation.worst.error) < 1e-3
        assert validation.mode_order[0] == validation.mode_order[1]


def test_held_out_points_are_predicted_better_than_they_repeat(fitted):
    """The noise of a round is larger than that of the median of five, and the fit averages over all rows."""
    validation = fitted.validation
    assert 0.004 < validation.noise < 0.01
    assert validation.mape < validation.noise and validation.mape_of_unseen_batches < validation.noise
    assert abs(validation.worst.error) < 0.03
    right, pairs = validation.mode_order
    assert right == pairs > 100


def test_no_held_out_point_was_seen_by_the_fit_that_predicts_it():
    """A model that nobody else resembles: its time is trebled, and its own fit must not know."""
    trebled = [row | {"median_us": 3 * row["median_us"]} if row["model"] == "llama-3-8b" else row for row in ROWS]
    points = validate(trebled, H200).points
    assert len(points) == len(trebled)
    assert {id(point.row) for point in points} == {id(row) for row in trebled}
    for point in points:
        if point.row["model"] == "llama-3-8b":
            assert point.error == pytest.approx(-2 / 3, abs=0.02)


def test_batch_sizes_are_held_out_too_and_no_fit_sees_them():
    spoiled = [row | {"median_us": 9 * row["median_us"]} if row["batch"] in (2, 16, 128) else row for row in ROWS]
    points = validate(spoiled, H200).points
    assert {point.row["batch"] for point in points if point.unseen_batch} == {2, 16, 128}
    assert max(abs(point.error) for point in points if not point.unseen_batch) < 0.04


@pytest.mark.parametrize(
    "missing", ["launch_us", "own_op_us", "graph_launch_us", "kernel_us", "copy_gb_per_s", "host_us"]
)
def test_a_fit_without_one_of_the_constants_fails_the_same_check(missing):
    """Held at what the profile assumed, while the hidden device has another value."""
    validation = validate(ROWS, H200, [name for name in CONSTANTS if name != missing])
    assert validation.mape > 1.5 * validation.noise
    assert abs(validation.worst.error) > 0.06


def test_an_effect_that_the_model_does_not_know_shows_as_an_error_and_not_as_a_fit():
    """Attention that takes 30 us longer in every layer, in steps that the GPU bounds: no constant can take that up."""

    def slower_attention(us, row):
        return us + 30.0 * PRESETS[row["model"]].num_layers * (row["mode"] == "FULL")

    validation = validate(synthetic_rows(distort=slower_attention), H200)
    assert validation.mape > 0.05 > 5 * validation.noise


def test_the_order_of_modes_counts_pairs_that_differ_and_sees_a_wrong_one():
    step = {"model": "tiny", "style": "lean", "batch": 1, "context": 9}
    rows = [step | {"mode": mode, "median_us": us, "repeat_us": [us - 1.0, us + 1.0]}
            for mode, us in (("NONE", 100.0), ("PIECEWISE", 60.0), ("FULL", 59.0))]  # fmt: skip
    right = Validation(tuple(Point(row, us, False) for row, us in zip(rows, (90.0, 60.0, 61.0), strict=True)), "")
    assert right.mode_order == (2, 2), "piecewise and full differ by less than their rounds do"
    wrong = Validation(tuple(Point(row, us, False) for row, us in zip(rows, (59.5, 60.0, 50.0), strict=True)), "")
    assert wrong.mode_order == (1, 2)
    undecided = Validation(tuple(Point(row, 70.0, False) for row in rows), "")
    assert undecided.mode_order == (0, 2), "whoever predicts a tie has the order wrong"


def test_with_one_model_recorded_batch_sizes_alone_are_held_out():
    rows = synthetic_rows(models=("gpt2",))
    validation = validate(rows, H200)
    assert "one model only" in validation.what
    assert {point.row["batch"] for point in validation.points} == {2, 16, 128}
    assert validation.mape < validation.noise


def test_with_one_batch_size_models_alone_are_held_out_and_the_report_says_so():
    fitted = fit_recorded(synthetic_run(synthetic_rows(batches=(8,))))
    assert fitted.validation.what == "each of 5 models held out in turn"
    result = fit_result(fitted)
    assert result["held_out"]["mape_of_unseen_batches"] is None
    assert "mean error, batch unseen too  -" in fit_report(result)


def test_where_nothing_can_be_held_out_or_too_little_is_left_a_sentence_says_so():
    with pytest.raises(ValueError, match="all rows are of gpt2 at batch 8"):
        validate(synthetic_rows(models=("gpt2",), batches=(8,)), H200)
    apart = [row for row in ROWS if (row["model"], row["batch"]) in {("gpt2", 8), ("tiny", 1)}]
    with pytest.raises(ValueError, match="held out, 0 rows are left"):
        validate(apart, H200)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"median_us": 0.0}, "no number above 0"),
        ({"median_us": float("nan")}, "no number above 0"),
        ({"median_us": "fast"}, "no number above 0"),
        ({"repeat_us": [0.0]}, "no number above 0"),
        ({"mode": "FULL_AND_PIECEWISE"}, "no step runs in mode 'FULL_AND_PIECEWISE'"),
    ],
)
def test_a_damaged_row_is_left_out_with_the_reason(damage, reason):
    fitted = fit_recorded(synthetic_run([ROWS[0] | damage, {}, *ROWS[1:200]]))
    assert fitted.fit.num_rows == 199
    assert [one for one in fitted.unusable if reason in one] and "it does not say its model" in fitted.unusable


def test_a_run_of_which_no_row_can_be_fitted_says_why():
    with pytest.raises(ValueError, match=r"its outputs were not those of eager execution \(405 rows\)"):
        fit_recorded(synthetic_run([row | {"equal": False} for row in ROWS]))


def test_a_gpu_without_triton_ran_kernels_that_no_list_holds():
    run = synthetic_run(ROWS)
    with pytest.raises(ValueError, match="recorded without Triton"):
        fit_recorded(RecordedRun(run.machine | {"kernels": "torch"}, run.parts))


def test_a_constant_that_no_row_shows_stays_as_assumed_and_is_said_to_be_unseen():
    rows = synthetic_rows(noise=1e-4, models=("llama-3.2-1b", "llama-3-8b"))
    full = [row for row in rows if row["mode"] == "FULL"]
    found = fit(StepRows(full), H200)
    assert found.spread["launch_us"] > 1 and found.values["launch_us"] == pytest.approx(H200.launch.launch_us, rel=0.01)
    assert found.spread["copy_gb_per_s"] < 0.05


def test_rows_that_were_wrong_or_have_no_list_of_kernels_are_left_out_and_counted():
    spoiled = [
        ROWS[0] | {"equal": False, "median_us": 1.0},
        ROWS[1] | {"style": "inductor"},
        ROWS[2] | {"model": "gpt5"},
    ]
    fitted = fit_recorded(synthetic_run([*ROWS[3:], *spoiled]))
    assert fitted.fit.num_rows == len(ROWS) - 3
    assert sum(fitted.unusable.values()) == 3 and len(fitted.unusable) == 3


def test_too_few_rows_are_refused_with_their_number():
    with pytest.raises(ValueError, match="8 rows cannot show 8 constants"):
        fit(StepRows(ROWS[:8]), H200)
    with pytest.raises(ValueError, match="has no decode steps"):
        fit_recorded(synthetic_run([]))


def test_the_fitted_profile_prices_steps_and_names_the_run_it_is_from(fitted):
    profile = fitted.profile
    assert simulated_us(ROWS[5], profile, fitted.fit.values["host_us"]) == pytest.approx(ROWS[5]["median_us"], rel=0.03)
    assert profile.name == "synthetic H200"
    for name in ("copy_gb_per_s", "launch"):
        assert "recorded on synthetic H200" in profile.source_of(name) and "2026-01-02" in profile.source_of(name)
    assert profile.source_of("step_us") == H200.source_of("step_us") == "assumed"
    assert profile.launch.latency_us == H200.launch.latency_us


def test_a_device_starts_from_the_profile_that_its_name_contains_as_a_word():
    names = {"NVIDIA H200": "H200", "NVIDIA A100-SXM4-80GB": "A100", "Tesla T4": "T4", "NVIDIA L4": "L4",
             "NVIDIA L40S": "generic host", "NVIDIA H100 80GB HBM3": "H100"}  # fmt: skip
    assert {device: nearest_profile(device).name for device in names} == names


def test_the_newest_run_is_one_of_a_gpu_with_steps():
    old, new, twin = synthetic_run(ROWS), synthetic_run(ROWS), synthetic_run(ROWS, device="CPU twin (x86_64)")
    without_steps = RecordedRun(new.machine, {})
    assert newest_gpu_run([old, new, twin, without_steps]) is new
    assert newest_gpu_run([twin, without_steps]) is None


def in_a_file(run, folder):
    content = {"schema": "launch-bound/recorded", "version": 1, "machine": run.machine, "parts": run.parts}
    path = folder / "synthetic.json"
    path.write_text(json.dumps(content))
    return path


def test_bench_fit_draws_a_picture_per_model_and_style(tmp_path, fitted, capsys):
    few = [row for row in ROWS if row["model"] in ("gpt2", "llama-3-8b") and row["style"] == "fused"]
    folder = tmp_path / "pictures"
    assert main(["fit", str(in_a_file(synthetic_run(few), tmp_path)), "--png", str(folder), "--json"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["gpt2_fused.png", "llama-3-8b_fused.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())
    json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit, match="bench fit: "):
        main(["fit", str(in_a_file(synthetic_run(few), tmp_path)), "--png", str(tmp_path / "synthetic.json")])


def test_the_pictures_lines_are_the_fitted_profile(fitted):
    name, picture = next(iter(pictures(fitted)))
    assert name == "_".join((ROWS[0]["model"], ROWS[0]["style"]))
    said = " ".join(text.get_text() for text in picture.texts)
    assert "synthetic H200" in said and "recorded and fitted" in said


def test_bench_fit_prints_constants_errors_and_noise_of_a_file(tmp_path, capsys):
    assert main(["fit", str(in_a_file(synthetic_run(ROWS), tmp_path))]) == 0
    report, line = capsys.readouterr().out.rsplit("\n\n", 1)
    result = json.loads(line)
    assert all(name in report for name in CONSTANTS)
    assert "recorded on synthetic H200" in report and "noise of repeating" in report
    assert f"{result['held_out']['mape']:.2%}" in report
    assert result["held_out"]["mode_order_right"] == result["held_out"]["mode_order_pairs"]
    assert result["profile"]["copy_gb_per_s"] == pytest.approx(HIDDEN.copy_gb_per_s, rel=0.01)


def test_bench_fit_says_in_one_sentence_that_nothing_was_recorded_and_how_to_record(monkeypatch, capsys):
    monkeypatch.setattr("mini_lib.bench.fit.recorded_runs", lambda: ())
    assert main(["fit"]) == 0
    report, line = capsys.readouterr().out.rsplit("\n\n", 1)
    assert "bench record step" in report and report.count(". ") == 0
    assert json.loads(line)["rows"] == 0


def test_bench_fit_refuses_a_file_that_is_no_recorded_run(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text("{}")
    with pytest.raises(SystemExit, match="is no recorded run"):
        main(["fit", str(path)])


def test_a_result_is_plain_json_and_says_where_it_is_nothing_to_quote(fitted):
    result = json.loads(json.dumps(fit_result(fitted)))
    assert result["base"] == "H200" and result["quotable"]
    on_twin = fit_recorded(synthetic_run(ROWS, device="CPU twin"))
    assert "no number to quote" in fit_report(fit_result(on_twin))
    assert "no number to quote" not in fit_report(result)
