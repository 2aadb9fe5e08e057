"""Predictions are sealed in a file of the student's own, and nothing about them is ever an error."""

import json

import numpy as np
import pytest

from mini_lib.learn import doctor, load_predictions, predict, predictions, predictions_file, reveal


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUNCH_BOUND_PREDICTIONS", str(tmp_path / "mine.json"))
    monkeypatch.setattr(predictions, "_unwritten", {})
    return tmp_path / "mine.json"


def test_a_prediction_is_kept_and_revealed_beside_what_came_of_it(store, capsys):
    predict("00/idle", 30, "%")
    reveal("00/idle", simulated=62.5, measured=60.0)
    told = capsys.readouterr().out
    assert "00/idle: 30 %, sealed." in told
    assert "predicted           30 %" in told
    assert "simulated           62.5 %" in told
    assert "What was measured is 2 times your prediction." in told
    assert json.loads(store.read_text()) == {
        "00/idle": {"predicted": 30, "unit": "%", "simulated": 62.5, "measured": 60.0}
    }


def test_a_prediction_may_be_changed_until_it_is_revealed_and_not_after(store, capsys):
    predict("k", 30)
    predict("k", 40)
    assert load_predictions()["k"]["predicted"] == 40
    reveal("k", simulated=50)
    predict("k", 50)
    assert load_predictions()["k"]["predicted"] == 40
    assert "already revealed, so 40 stays sealed" in capsys.readouterr().out


@pytest.mark.parametrize("unanswered", [None, ...])
def test_an_unanswered_prediction_is_no_error_and_stores_nothing(store, capsys, unanswered):
    predict("k", unanswered)
    reveal("k", simulated=50.0, unit="us")
    told = capsys.readouterr().out
    assert "not answered yet" in told
    assert "predicted           not answered" in told
    assert "simulated           50 us" in told
    assert not store.exists()


def test_a_reveal_without_results_says_so(store, capsys):
    predict("k", 30)
    reveal("k")
    assert "nothing yet" in capsys.readouterr().out


def test_a_close_prediction_is_told_that_it_is_close(store, capsys):
    predict("k", 0.0)
    reveal("k", simulated=3)
    assert "times" not in capsys.readouterr().out  # there is no factor from zero
    predict("j", 31)
    reveal("j", simulated=30)
    assert "within 10 %" in capsys.readouterr().out
    predict("i", 40)
    reveal("i", simulated=40)
    assert "exactly" in capsys.readouterr().out


def test_a_numpy_number_or_a_word_can_be_predicted(store, capsys):
    predict("n", np.int64(7))
    predict("w", "eager")
    predict("x", float("nan"))
    assert [load_predictions()[key]["predicted"] for key in "nwx"] == [7, "eager", "nan"]


def test_a_disk_that_takes_no_file_keeps_the_prediction_for_the_session(tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("x")
    monkeypatch.setenv("LAUNCH_BOUND_PREDICTIONS", str(blocked / "predictions.json"))
    monkeypatch.setattr(predictions, "_unwritten", {})
    predict("k", 30)
    reveal("k", simulated=60)
    told = capsys.readouterr()
    assert "for this session only" in told.out
    assert "What was simulated is 2 times your prediction." in told.out
    assert told.err == ""


def test_a_broken_file_is_left_as_it_is(store, capsys):
    store.write_text("{ half a")
    predict("k", 30)
    assert store.read_text() == "{ half a"
    assert load_predictions()["k"]["predicted"] == 30


def test_the_file_lies_in_the_students_work_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("LAUNCH_BOUND_PREDICTIONS", raising=False)
    here = tmp_path / "work" / "notebooks"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    assert predictions_file() == tmp_path / "work" / "predictions.json"
    elsewhere = tmp_path / "other" / "work"  # somebody's folder of that name, without notebooks in it
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert predictions_file() == elsewhere / "predictions.json"
    clone = tmp_path / "course"  # the course itself holds notebooks/ and is nobody's work/
    (clone / "notebooks").mkdir(parents=True)
    monkeypatch.chdir(clone / "notebooks")
    assert predictions_file() == clone / "notebooks" / "predictions.json"


def test_the_doctor_tells_device_and_versions(store, capsys):
    doctor()
    told = capsys.readouterr()
    assert "torch" in told.out
    assert "device      " in told.out
    assert "missing" not in told.out
    assert max(map(len, told.out.splitlines())) <= 100  # a notebook beside the file browser breaks longer ones
    assert told.err == ""
