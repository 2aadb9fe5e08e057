"""`bench graph` run as a person and as a program would run it."""

import json
import subprocess
import sys

import pytest
import torch

from mini_lib.bench.constraints import find_constraints
from mini_lib.bench.graph import BATCH, bench_graph
from mini_lib.bench.graph_report import graph_report
from mini_lib.bench.table import table
from mini_lib.graphs import get_device_module

WITHOUT_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, WITHOUT_GPU])]


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mini_lib.bench", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def printed():
    return bench("graph", "--force-cpu", "--iterations", "3")


@pytest.fixture(scope="module")
def result(printed):
    return json.loads(printed.stdout.splitlines()[-1])


def test_it_ends_well_prints_a_table_then_one_line_of_json_and_no_complaint(printed):
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.isascii()  # a Windows console or LANG=C must be able to print it
    *report, last = printed.stdout.splitlines()
    assert any(line.startswith("normal execution") for line in report)
    assert not any(line.startswith("{") for line in report)
    assert json.loads(last)["version"] == 1


def test_with_json_there_is_nothing_but_the_json():
    printed = bench("graph", "--force-cpu", "--iterations", "1", "--json")
    assert (printed.returncode, printed.stderr, printed.stdout.count("\n")) == (0, "", 1)
    assert json.loads(printed.stdout)["command"] == "python -m mini_lib.bench graph --force-cpu --iterations 1 --json"


def test_the_result_names_where_it_comes_from(result):
    assert result["verb"] == "graph"
    assert result["torch"] == torch.__version__
    assert result["device"].startswith("CPU twin")
    assert "threads: 1" in result["device"]
    assert result["date"].endswith("+00:00")
    assert sys.version.startswith(result["python"])


def test_on_the_cpu_it_says_that_the_times_are_not_the_effect_on_cuda(printed, result):
    assert "says nothing about CUDA" in result["note"]
    assert result["note"] in printed.stdout.replace("\n", " ")


def test_speed_up_and_saving_follow_from_the_two_times(result):
    assert result["eager_us"] > 0
    assert result["speedup"] == pytest.approx(result["eager_us"] / result["replay_us"])
    assert result["saved_us"] == pytest.approx(result["eager_us"] - result["replay_us"])
    assert (result["batch"], result["iterations"]) == (BATCH, 3)


def test_replay_and_eager_agree_on_the_twin_bit_for_bit(result):
    assert (result["bit_equal"], result["max_abs_diff"]) == (True, 0.0)


def test_one_pool_and_the_largest_first_is_the_cheapest(result):
    memory = result["memory"]
    largest_first = memory["largest_first_shared_pool"][-1]["reserved_bytes"]
    smallest_first = memory["smallest_first_shared_pool"][-1]["reserved_bytes"]
    own_pools = sum(graph["reserved_bytes"] for graph in memory["own_pools"])
    assert largest_first < smallest_first < own_pools


@pytest.fixture(scope="module", params=DEVICES)
def findings(request):
    return {finding.tried: finding for finding in find_constraints(get_device_module(request.param))}


def test_every_constraint_was_run_into_and_none_came_out_unexpected(findings):
    kinds = [finding.kind for finding in findings.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"refused": 8, "frozen": 2, "allowed": 2}


@pytest.mark.parametrize(
    ("tried", "first_line"),
    [
        ("x[x > 4]", "CUDA error: operation not permitted when stream is capturing"),
        ("x.sum().item()", "CUDA error: operation not permitted when stream is capturing"),
        ("synchronize()", "CUDA error: operation not permitted when stream is capturing"),
        ("capture in capture", "CUDA error: operation not permitted when stream is capturing"),
        ("replay 5 rows of 8", "ValueError: input 0 has shape (5,), but the graph was recorded for (8,)"),
        ("x.data = other", "StaleInputError: Input 0 is not where it was"),
    ],
)
def test_a_refusal_is_told_by_its_first_cause(findings, tried, first_line):
    assert first_line in findings[tried].happened


def test_what_is_frozen_is_shown_by_values(findings):
    assert findings["x = other"].happened == "no error: replay answers 2, the new value wants 20"
    assert findings["if flag: ..."].happened == "no error: replay answers 2, the new value wants 100"


def test_the_report_says_when_replay_and_eager_differ_and_what_was_not_as_expected():
    result = bench_graph(get_device_module("cpu"), 1, ["graph"], progress=False)
    finding = dict(result["constraints"][0], kind="unexpected")
    report = graph_report({**result, "bit_equal": False, "max_abs_diff": 0.25, "constraints": [finding]})
    assert "up to 2.5e-01" in report
    assert "Not as expected" in report


@pytest.mark.parametrize(
    "arguments", [[], ["grpah"], ["graph", "--iterations", "0"], ["graph", "--iterations", "many"]]
)
def test_wrong_usage_ends_with_status_2_and_says_how(arguments):
    printed = bench(*arguments)
    assert (printed.returncode, printed.stdout) == (2, "")
    assert "usage: python -m mini_lib.bench" in printed.stderr


def test_help_tells_a_newcomer_where_to_start():
    printed = bench("--help")
    assert printed.returncode == 0
    assert "python -m mini_lib.bench graph" in printed.stdout
    assert all(f"    {verb} " in printed.stdout for verb in ("graph", "twin"))


def test_a_table_aligns_numbers_right_and_words_left():
    assert table(["name", "us"], [["a", "9.5"], ["longer", "10.5"]]) == (
        "name      us\n------  ----\na        9.5\nlonger  10.5"
    )
