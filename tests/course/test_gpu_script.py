"""`.ci/gpu`: without a GPU it says so; with one it writes down what ran, on which machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import on_gpu
from mini_lib.bench import __main__ as bench

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test brings it")
provenance = pytest.importorskip("mini_lib.bench.provenance")
ROOT = Path(__file__).resolve().parents[2]
needs_bash = pytest.mark.skipif(os.name == "nt", reason=".ci/gpu is a bash script")


def run(*arguments: str, out: Path) -> subprocess.CompletedProcess[str]:
    own = os.environ | {"PYTHON": sys.executable, "OUT": str(out), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(["bash", ".ci/gpu", *arguments], cwd=ROOT, env=own, capture_output=True, text=True)


@needs_bash
@pytest.mark.parametrize("arguments", [["test"], ["record", "graph"], ["record", "step"]])
def test_a_machine_without_cuda_is_told_so_and_nothing_is_written(tmp_path, arguments):
    done = run(*arguments, out=tmp_path / "out")
    assert done.returncode == 1
    assert "sees no CUDA device here" in done.stderr
    assert not (tmp_path / "out").exists()


@needs_bash
def test_an_unknown_part_is_answered_with_the_parts_there_are(tmp_path):
    done = run("record", "everything", out=tmp_path)
    assert done.returncode == 2
    assert "graph" in done.stderr


@pytest.fixture
def device(monkeypatch):
    """A CUDA device that is only said to be there."""
    properties = SimpleNamespace(name="NVIDIA H200 NVL", major=9, minor=0, total_memory=150_000_000_000)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(provenance.shutil, "which", lambda _: "nvidia-smi")
    finished = subprocess.CompletedProcess([], 0, stdout="580.65.06\n")
    finished.commands = []
    monkeypatch.setattr(on_gpu.subprocess, "run", lambda command, **_: finished.commands.append(command) or finished)
    return finished


def test_a_recorded_file_names_device_versions_date_and_command(device):
    made_on = on_gpu.machine("the command")
    assert {"device", "driver", "torch", "cuda", "python", "numpy", "date", "command"} <= set(made_on)
    assert made_on["driver"] == "580.65.06"
    assert made_on["torch"] == torch.__version__
    assert on_gpu.file_name(made_on, "graph") == f"nvidia-h200-nvl_{made_on['date'][:10]}_graph.json"


def test_what_a_verb_prints_is_kept_with_the_machine(device, tmp_path, capsys):
    device.stdout = '{"speed_up": 3.5}\n'
    assert on_gpu.record_verb("graph", tmp_path) == 0
    (path,) = tmp_path.iterdir()
    written = json.loads(path.read_text())
    assert written["measured"] == {"speed_up": 3.5}
    assert written["machine"]["command"] == "python3 -m mini_lib.bench graph --json"
    assert str(path) in capsys.readouterr().out


def test_a_benchmark_that_fails_writes_nothing_and_hands_its_status_on(device, tmp_path):
    device.returncode = 3
    assert on_gpu.record_verb("graph", tmp_path) == 3
    assert not list(tmp_path.iterdir())


def test_a_part_is_recorded_by_the_bench_itself_into_the_same_folder(device, tmp_path):
    device.returncode = 2
    assert on_gpu.record_part("step", tmp_path) == 2
    assert device.commands[0][1:] == ["-m", "mini_lib.bench", "record", "step", "--out", str(tmp_path)]
    assert not list(tmp_path.iterdir())


def test_a_part_that_hangs_is_ended_and_what_it_kept_is_named(monkeypatch, tmp_path, capsys):
    def hang(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(on_gpu.subprocess, "run", hang)
    assert on_gpu.record_part("step", tmp_path) == 1
    assert f"what was measured by then is in {tmp_path}" in capsys.readouterr().err


def test_the_parts_and_verbs_are_those_of_the_bench():
    parser = bench.parser()
    assert parser.parse_args(["record", "step"]).seconds < on_gpu.PART_LIMIT_S < 600
    for part in on_gpu.PARTS:
        parser.parse_args(["record", part])
    for verb in on_gpu.VERBS:
        parser.parse_args([verb, "--json"])


def test_the_summary_of_a_run_counts_what_pytest_reported(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="3" failures="1" errors="0" skipped="1" time="2.5">'
        '<testcase name="a"/><testcase name="b"><failure/></testcase>'
        '<testcase name="c"><skipped message="no second GPU"/></testcase></testsuite></testsuites>'
    )
    counted = on_gpu.counts(report)
    assert counted.pop("skipped_because") == ["no second GPU"]
    assert counted == {"tests": 3, "failures": 1, "errors": 0, "skipped": 1, "seconds": 2.5}


def test_every_folder_of_tests_that_is_run_there_is_here():
    here = [name for name in on_gpu.TESTS if (ROOT / name).exists()]
    assert {"tests/graphs", "tests/dispatch", "tests/timing"} <= set(here)
