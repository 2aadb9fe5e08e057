"""Something around the class is broken: the tool names the file and the way out, and shows no traceback."""

import os
import subprocess
import sys

import pytest

from autograde.course import ROOT
from autograde.roster import students
from tests.autograde.gallery import KINDS


@pytest.mark.parametrize("text", ["{", '{"version": 4}', '{"version": 3}', "7"])
def test_a_damaged_result_is_named_with_the_way_out(toy, text):
    path = toy.out / "results" / "bob" / "toy" / "results.json"
    path.write_text(text)
    called = toy.call("report")
    assert called.returncode == 1
    assert f"{path} cannot be read" in called.stderr
    assert "Grade the class again" in called.stderr


def test_a_reader_that_has_read_enough_is_no_error_on_the_screen(toy):
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "autograde", "report", "--course", str(toy.course.root)]
    done = subprocess.run(command, cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert done.stderr == ""


def test_a_file_that_is_no_gradebook_is_named_with_the_way_out(new_class):
    toy = new_class()
    toy.hand_in({"ada": KINDS["perfect"]})
    toy.out.mkdir(parents=True)
    (toy.out / "gradebook.db").write_text("not a database")
    called = toy.call("grade")
    assert called.returncode == 1
    assert f"The gradebook {toy.out / 'gradebook.db'} cannot be used. Move it away" in called.stderr
    assert "file is not a database" in called.stderr


def test_settings_that_are_no_toml_are_named(new_class):
    toy = new_class()
    path = toy.course.root / "solutions" / "toy" / "lab.toml"
    path.write_text("seed = = 3")
    called = toy.call("check")
    assert called.returncode == 1
    assert f"{path}: Invalid value" in called.stderr


def test_results_that_cannot_be_written_are_no_traceback(new_class):
    toy = new_class()
    toy.hand_in({"ada": KINDS["perfect"]})
    toy.out.write_text("a file where a folder must be")
    called = toy.call("grade")
    assert called.returncode == 1
    assert called.stderr.startswith("autograde: ")
    assert str(toy.out) in called.stderr


def test_the_way_out_can_be_pasted_where_a_folder_has_a_space(new_class, tmp_path):
    called = new_class().call("report", str(tmp_path / "my class"))
    assert f"grade '{tmp_path / 'my class'}'" in called.stderr


def test_a_students_name_cannot_steer_the_terminal(tmp_path):
    for name in ("Zoë O'Hara", "red\x1b[31m", "two\nlines"):
        (tmp_path / name).mkdir()
    assert set(students(tmp_path)) == {"Zoë O'Hara", "red\\x1b[31m", "two\\nlines"}
