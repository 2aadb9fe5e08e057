"""`.ci/gpu`: without a GPU it says so; with one it writes down what ran, on which machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
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


def test_counts_of_several_files_are_added_up_and_a_file_without_any_is_told():
    one = {"tests": 3, "failures": 1, "errors": 0, "skipped": 1, "seconds": 2.5, "skipped_because": ["no second GPU"]}
    assert on_gpu.total([one, one, {}]) == {
        "tests": 6, "failures": 2, "errors": 0, "skipped": 2, "seconds": 5.0, "unfinished": 1,
        "skipped_because": ["no second GPU"],
    }  # fmt: skip


ENDS = {
    "def test_it(): pass": (0, {"tests": 1, "failures": 0, "errors": 0}),
    "def test_it(): assert 1 == 2": (1, {"tests": 1, "failures": 1, "errors": 0}),
    "import no_such_package": (2, {"tests": 1, "failures": 0, "errors": 1}),
    "import os\ndef test_it(): os._exit(3)": (3, {}),
}


@pytest.mark.parametrize("text", ENDS)
def test_a_file_of_tests_that_takes_its_process_along_is_told_from_one_that_fails(tmp_path, text):
    (tmp_path / "test_it.py").write_text(text)
    ran = on_gpu.run_tests(str(tmp_path / "test_it.py"), tmp_path, time.monotonic() + 60)
    status, counted = ENDS[text]
    assert (ran.status, ran.went_well) == (status, status == 0)
    assert counted.items() <= ran.counted.items() and bool(counted) == bool(ran.counted)


def test_when_the_time_is_up_the_tests_under_way_are_stopped_and_what_they_printed_is_kept(tmp_path):
    (tmp_path / "test_it.py").write_text("import time\ndef test_it(): time.sleep(60)")
    ran = on_gpu.run_tests(str(tmp_path / "test_it.py"), tmp_path, time.monotonic() - 5)
    assert ran.status == 124 and not ran.went_well and "stopped" in str(ran) and ran.counted == {}


def test_a_run_keeps_all_output_the_failed_files_first_and_says_which_failed(device, monkeypatch, tmp_path, capsys):
    statuses = {"a.py": 0, "b.py": 1, "c.py": 5}
    monkeypatch.setattr(on_gpu, "files_of_tests", lambda: iter(statuses))
    monkeypatch.setattr(
        on_gpu, "run_tests", lambda tests, *_: on_gpu.Ran(tests, statuses[tests], f"of {tests}", {"tests": 1})
    )
    assert on_gpu.test(tmp_path) == 1
    assert "failed: b.py" in (printed := capsys.readouterr().out) and "failed: a.py" not in printed
    assert (tmp_path / "gpu_tests.log").read_text().startswith("b.py\nof b.py")
    (summary,) = tmp_path.glob("*_tests.json")
    assert json.loads(summary.read_text())["tests"] == 3


def test_every_test_that_is_run_there_is_here_and_no_file_twice():
    files = list(on_gpu.files_of_tests())
    assert len(files) == len(set(files)) > 50
    for name in files:
        path, _, test = name.partition("::")
        assert (f"def {test}(" if test else "def test_") in (ROOT / path).read_text()
    assert {"tests/graphs/test_capture.py", "tests/model/test_kernels.py"} <= set(files)
