"""Recorded runs are read whole or refused with a sentence. The runs here are made up in the test and lie in no file."""

import json

import pytest

from mini_lib.sim.recorded import RecordedRun, load_recorded, recorded_run, recorded_runs

MACHINE = {
    "device": "made-up GPU",
    "driver": "1.2",
    "torch": "2.9",
    "cuda": "13",
    "python": "3.11",
    "date": "2026-01-02",
}
ROWS = [{"model": "a", "batch": 1, "median_us": 7.5}, {"model": "b", "batch": 1, "median_us": 9.25}]
STEP = {"command": "the command", "date": "2026-01-02T03:04:05+00:00", "rows": ROWS}


def content(**changes):
    return {"schema": "launch-bound/recorded", "version": 1, "machine": MACHINE, "parts": {"step": STEP}} | changes


def test_the_rows_of_a_part_are_chosen_by_what_their_keys_say():
    run = recorded_run(content())
    assert run.rows("step") == tuple(ROWS)
    assert run.rows("step", model="b", batch=1) == (ROWS[1],)
    assert run.rows("step", model="c") == run.rows("serve") == ()


def test_a_gpu_that_ran_torch_s_kernels_in_place_of_the_course_s_says_so():
    part = {"launch": {"command": "c", "date": "2026-01-02", "rows": []}}
    machine = dict.fromkeys(("driver", "torch", "cuda", "python"), "1") | {"date": "2026-01-02", "kernels": "torch"}
    gpu, twin = (RecordedRun(machine | {"device": device}, part) for device in ("a GPU", "CPU twin"))
    assert "torch 1, no Triton)" in gpu.source("launch") and "Triton" not in twin.source("launch")


def test_a_number_can_say_where_it_is_from():
    source = recorded_run(content()).source("step")
    assert source == "recorded on made-up GPU (driver 1.2, torch 2.9) on 2026-01-02 by `the command`"


@pytest.mark.parametrize(
    ("machine", "counts"),
    [({}, True), ({"device": "CPU twin (x86_64, threads: 1)"}, False), ({"plan": "quick"}, False)],
)
def test_only_the_whole_plan_on_a_gpu_counts(machine, counts):
    assert recorded_run(content(machine=MACHINE | machine)).counts is counts


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": "launch-bound/trace"}, "its schema is 'launch-bound/trace' and not 'launch-bound/recorded'"),
        ({"version": 2}, "of version 2, and this library reads version 1"),
        ({"machine": {"device": "x"}}, "missing: driver, torch, cuda, python, date"),
        ({"machine": None}, "missing: device, driver"),
        ({"parts": []}, "has no parts"),
        ({"parts": {"step": {"rows": []}}}, "part 'step' of a recorded run says command, date, rows; missing: command"),
        ({"parts": {"step": STEP | {"rows": [1]}}}, "the rows of part 'step' are no list of objects"),
    ],
)
def test_what_is_no_recorded_run_is_refused_with_the_reason(changes, sentence):
    with pytest.raises(ValueError) as refusal:
        recorded_run(content(**changes), "the file")
    assert sentence in str(refusal.value) and str(refusal.value).startswith("the file")


def test_a_file_that_breaks_off_is_named(tmp_path):
    path = tmp_path / "gpu_2026-01-02.json"
    path.write_text(json.dumps(content())[:40])
    with pytest.raises(ValueError, match="is no JSON, or breaks off"):
        load_recorded(path)


def test_a_folder_of_runs_is_read_oldest_first_and_other_files_are_left_alone(tmp_path):
    for day, device in (("2026-03-01", "GPU two"), ("2026-01-02", "GPU one")):
        machine = MACHINE | {"device": device, "date": day}
        (tmp_path / f"gpu_{day}.json").write_text(json.dumps(content(machine=machine)))
    (tmp_path / "gpu_2026-01-02_graph.json").write_text("{}")
    assert [run.device for run in recorded_runs(folder=tmp_path)] == ["GPU one", "GPU two"]
    assert [run.device for run in recorded_runs("TWO", tmp_path)] == ["GPU two"]


def test_the_runs_that_come_with_the_library_are_readable_and_from_a_gpu():
    assert all(isinstance(run, RecordedRun) and run.counts for run in recorded_runs())
