"""`bench decode`: the engine's own counts and times, by batch size and mode."""

import contextlib
import gc
import io
import json

import pytest

from mini_lib.bench.__main__ import main


@pytest.fixture(scope="module")
def result_and_report():
    gc.freeze()  # or the collections before the captures take longer than the captures
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        assert main(["decode", "--batch-sizes", "3,1", "--steps", "2", "--style", "fused", "--force-cpu"]) == 0
    gc.unfreeze()
    *report, last = stdout.getvalue().splitlines()
    return json.loads(last), "\n".join(report)


@pytest.fixture
def rows(result_and_report):
    return {(row["mode"], row["batch_size"]): row for row in result_and_report[0]["rows"]}


def test_there_is_a_row_for_each_mode_and_batch_size(rows):
    assert set(rows) == {
        (mode, size) for mode in ("NONE", "PIECEWISE", "FULL", "FULL_AND_PIECEWISE") for size in (1, 3)
    }


def test_a_full_graph_is_one_launch_and_a_piecewise_step_one_more_graph_than_layers(result_and_report, rows):
    num_layers = result_and_report[0]["num_layers"]
    for (mode, _), row in rows.items():
        eager = mode == "NONE"
        graphs = {"NONE": 0, "PIECEWISE": num_layers + 1}.get(mode, 1)
        assert (row["decode_graphs"], row["decode_mode"]) == (graphs, mode if mode != "FULL_AND_PIECEWISE" else "FULL")
        assert row["decode_launches"] == row["decode_kernels"] + graphs
        assert (row["decode_kernels"] > 2 * num_layers) == eager, "two kernels a layer run between pieces"
    assert rows["FULL_AND_PIECEWISE", 3]["prompt_mode"] == "PIECEWISE"
    assert rows["FULL", 3]["prompt_mode"] == "FULL"


def test_three_requests_ride_in_the_graph_for_the_next_size(rows):
    assert rows["NONE", 3]["decode_padded_tokens"] == 0
    assert all(rows[mode, 1]["decode_padded_tokens"] == 0 for mode, _ in rows)
    # 3 is the widest decode batch there, so vLLM's ladder has it; its 6 tokens of prompts have no graph of their own.
    assert rows["FULL", 3]["decode_padded_tokens"] == 0
    assert rows["FULL", 3]["prompt_mode"] == "FULL"


def test_every_time_is_measured_and_the_gpu_works_for_a_part_of_the_step(rows):
    assert all(0 < row["gpu_us"] < row["step_us"] for row in rows.values())


def test_the_report_says_where_the_numbers_come_from_and_what_they_are_not(result_and_report):
    result, report = result_and_report
    assert "not the CUDA effect" in " ".join(report.split())
    assert "tiny (2 layers, fused)" in report and result["command"].endswith("--style fused --force-cpu")
    assert {"device", "torch", "python", "date"} <= set(result)


@pytest.mark.parametrize("arguments", [["--batch-sizes", "0"], ["--batch-sizes", "1,x"], ["--model", "gpt5"]])
def test_what_cannot_be_measured_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        main(["decode", *arguments])
    assert refusal.value.code == 2 and "error" in capsys.readouterr().err
