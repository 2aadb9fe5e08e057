"""`make reset`: one lab or notebook afresh, and what the student wrote kept whole under a dated name."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import work
from reset import find_unit, reset
from tests.course.small_course import LAB, NB
from work import WorkError, sync


@pytest.mark.parametrize("name", ["lab04", "lab04_capture_sizes", " lab04 ", "lab04_capture_sizes.ipynb"])
def test_a_lab_is_found_by_its_short_or_full_name(course, name):
    assert find_unit(course.root, name) == Path("labs/lab04_capture_sizes")


@pytest.mark.parametrize("name", ["nb03", "03", "03_record_once", "03_record_once.ipynb"])
def test_a_notebook_is_found_by_its_number_or_name(course, name):
    assert find_unit(course.root, name) == Path(NB)


@pytest.mark.parametrize("name", ["", "lab", "lab0", "lab05", "nb", "..", "labs", "notebooks/03_record_once.ipynb/.."])
def test_any_other_name_is_refused_with_the_list_of_what_there_is(course, name):
    with pytest.raises(WorkError, match="lab04_capture_sizes"):
        find_unit(course.root, name)


def test_a_reset_lab_is_fresh_and_the_students_is_kept_with_its_other_files(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.write("labs/lab04_capture_sizes/notes.txt", "my notes")
    course.write(NB, "my notebook")
    said = reset(course.root, course.work, "lab04")
    (copy,) = (course.work / "kept").iterdir()
    assert copy.name in said
    assert (copy / "lab04_capture_sizes.ipynb").read_text() == "my answer"
    assert (copy / "notes.txt").read_text() == "my notes"
    assert course.read(LAB) == "lab, first edition"
    assert course.read("labs/lab04_capture_sizes/notes.txt") == "my notes"
    assert course.read(NB) == "my notebook", "only the lab that was named is reset"


def test_after_a_reset_the_next_edition_is_handed_out_again(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.release(LAB, "second edition")
    reset(course.root, course.work, "lab04")
    assert course.read(LAB) == "second edition"
    course.release(LAB, "third edition")
    course.release(NB, "second edition")
    assert sorted(sync(course.root, course.work).names("replaced")) == sorted([LAB, NB]), "no file is forgotten"


def test_two_resets_within_one_second_keep_both_copies(course):
    sync(course.root, course.work)
    for answer in ("first answer", "second answer", "third answer"):
        course.write(NB, answer)
        reset(course.root, course.work, "nb03")
    assert course.all_texts() >= {"first answer", "second answer", "third answer", "notebook, first edition"}


def test_what_is_as_handed_out_needs_no_reset_and_makes_no_copy(course):
    sync(course.root, course.work)
    assert "nothing to reset" in reset(course.root, course.work, "lab04")
    assert not (course.work / "kept").exists()


def test_what_is_not_there_is_handed_out(course):
    assert reset(course.root, course.work, "nb03") == f"{Path(NB)} is handed out again."
    assert course.read(NB) == "notebook, first edition"


def test_a_file_in_the_place_of_the_labs_folder_is_moved_away_and_kept(course):
    course.write("labs/lab04_capture_sizes", "my lab in one file")
    reset(course.root, course.work, "lab04")
    assert course.read(LAB) == "lab, first edition"
    assert "my lab in one file" in course.all_texts()


def test_a_folder_in_a_files_place_is_moved_away_and_kept(course):
    course.write(f"{LAB}/notes.txt", "my notes")
    reset(course.root, course.work, "lab04")
    assert course.read(LAB) == "lab, first edition"
    assert "my notes" in course.all_texts()


def test_a_link_in_a_files_place_is_moved_away_and_what_it_leads_to_is_untouched(course, tmp_path):
    sync(course.root, course.work)
    (tmp_path / "elsewhere").write_text("behind the link")
    (course.work / LAB).unlink()
    (course.work / LAB).symlink_to(tmp_path / "elsewhere")
    reset(course.root, course.work, "lab04")
    assert course.read(LAB) == "lab, first edition"
    assert not (course.work / LAB).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "behind the link"


def test_work_that_is_a_link_stays_one(course, tmp_path):
    (tmp_path / "disk").mkdir()
    course.work.symlink_to(tmp_path / "disk")
    course.write(NB, "my notebook")
    reset(course.root, course.work, "nb03")
    assert course.work.is_symlink()
    assert course.read(NB) == "notebook, first edition"


@pytest.mark.parametrize("step", ["copytree", "put back", "manifest"])
def test_a_disk_that_refuses_midway_loses_nothing(course, monkeypatch, step):
    import reset as module

    sync(course.root, course.work)
    course.write(LAB, "my answer")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {"copytree": (module.shutil, "copytree"), "put back": (module, "write_safely"),
              "manifest": (module, "write_manifest")}[step]  # fmt: skip
    monkeypatch.setattr(*target, full)
    with pytest.raises(WorkError, match="No space left"):
        reset(course.root, course.work, "lab04")
    assert "my answer" in course.all_texts()
    assert work.read_manifest(course.work), "the manifest is still there"
