"""`bench twin`: what the twin itself costs per op."""

import contextlib
import io
import json

import pytest
import torch

from mini_lib.bench.__main__ import main
from mini_lib.bench.twin_models import decoder_step
from mini_lib.graphs import capture, recorder


@pytest.fixture(scope="module")
def result_and_report():
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        assert main(["twin", "--iterations", "2"]) == 0
    *report, last = stdout.getvalue().splitlines()
    return json.loads(last), "\n".join(report)


def test_it_counts_the_ops_of_each_model(result_and_report):
    models = {cost["model"]: cost["num_ops"] for cost in result_and_report[0]["models"]}
    assert models["MLP d16, 16 layers"] == models["MLP d256, 16 layers"] == 32
    assert models["decoder d64, 8 layers"] > 100


def test_costs_are_per_op_and_the_ratio_follows_from_them(result_and_report):
    for cost in result_and_report[0]["models"]:
        assert min(cost["eager_us_per_op"], cost["capture_us_per_op"], cost["replay_us_per_op"]) > 0
        assert cost["speedup"] == pytest.approx(cost["eager_us_per_op"] / cost["replay_us_per_op"])


def test_the_report_says_whose_cost_it_is(result_and_report):
    result, report = result_and_report
    assert "the twin's own cost, not CUDA's" in report
    assert all(cost["model"] in report for cost in result["models"])


def test_the_decoder_replays_bit_for_bit():
    torch.manual_seed(0)
    step, hidden = decoder_step(width=16, num_layers=2, num_rows=3)
    with torch.no_grad():
        recorded = capture(step, hidden.clone(), device_module=recorder)
        assert torch.equal(recorded.replay(hidden * 1.5), step(hidden * 1.5))
