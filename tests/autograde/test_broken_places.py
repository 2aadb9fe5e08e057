"""Something around the class is broken: the tool names the file and the way out, and shows no traceback."""

import os
import subprocess
import sys

import pytest

from autograde.course import ROOT, CannotGrade, Course
from autograde.roster import chosen_labs, students, to_choose_from
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
    (tmp_path / "my class").mkdir()
    called = new_class().call("report", str(tmp_path / "my class"))
    assert f"grade '{tmp_path / 'my class'}'" in called.stderr


def test_a_students_name_cannot_steer_the_terminal(tmp_path):
    for name in ("Zoë O'Hara", "red\x1b[31m", "two\nlines"):
        (tmp_path / name).mkdir()
    assert set(students(tmp_path)) == {"Zoë O'Hara", "red\\x1b[31m", "two\\nlines"}


@pytest.mark.parametrize(("lies_at", "told"), [
    ("lab04_ada.ipynb", "Notebooks elsewhere in it: 1, the first is lab04_ada.ipynb. That of a student ada for "
     "lab04_capture_sizes belongs at"),
    ("Ada Doe_17_assignsubmission_file/lab01.ipynb", "for lab01_launch_model belongs at"),
    ("lab04_capture_sizes/ada/lab04_capture_sizes.ipynb", "the first is lab04_capture_sizes/ada/"),
    ("red\x1b[31m.ipynb", "the first is red\\x1b[31m.ipynb"),
    ("submissions.zip", "Unpack submissions.zip first."),
])  # fmt: skip
def test_a_download_that_is_not_laid_out_yet_is_told_where_a_notebook_belongs(tmp_path, lies_at, told):
    place = tmp_path / lies_at
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("{}")
    with pytest.raises(CannotGrade) as refused:
        chosen_labs(Course(), tmp_path, None)
    assert told in str(refused.value)


def test_the_folder_of_one_student_is_told_from_that_of_a_class(tmp_path):
    place = tmp_path / "ada" / "lab04_capture_sizes" / "lab04_capture_sizes.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    with pytest.raises(CannotGrade, match=f"the class is the folder above: {tmp_path}"):
        chosen_labs(Course(), tmp_path / "ada", None)


def test_of_a_large_class_a_mistyped_student_is_shown_the_names_that_are_like_it():
    known = [f"student{number:03}" for number in range(200)]
    assert to_choose_from("studnet007", known).startswith("Names like it: student007")
    assert to_choose_from("zoe", known).endswith("student019, and 180 more.")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_secret_seed_without_a_secret_grades_nobody_with_the_public_one(new_class, content):
    toy = new_class()
    toy.hand_in({"ada": KINDS["perfect"]})
    (toy.course.root / "autograde" / "secret_seed").write_bytes(content)
    called = toy.call("grade", "--dry-run")
    assert called.returncode == 1
    assert "secret_seed" in called.stderr and "Traceback" not in called.stderr
