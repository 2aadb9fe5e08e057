"""work/ over the life of a course: handed out, worked on, updated, damaged. No byte of a student's is ever lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import work
from tests.course.small_course import DATA, LAB, NB, Course
from work import WorkError, sync


def test_the_first_sync_hands_everything_out_but_the_litter(course):
    assert sorted(sync(course.root, course.work).names("added")) == sorted([NB, LAB, DATA])
    assert course.read(NB) == "notebook, first edition"
    assert "litter" not in course.all_texts()


def test_a_second_sync_changes_nothing_and_says_nothing(course):
    sync(course.root, course.work)
    before = {path: path.stat().st_mtime_ns for path in course.work.rglob("*")}
    assert sync(course.root, course.work).text() == ""
    assert {path: path.stat().st_mtime_ns for path in course.work.rglob("*")} == before


def test_work_that_the_course_did_not_change_is_left_without_a_word(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    assert sync(course.root, course.work).text() == ""
    assert course.read(LAB) == "my answer"


def test_a_new_edition_replaces_only_what_the_student_did_not_touch(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    for name in (NB, LAB):
        course.release(name, "second edition")
    report = sync(course.root, course.work)
    assert (report.names("replaced"), report.names("left")) == ([NB], [LAB])
    assert (course.read(NB), course.read(LAB)) == ("second edition", "my answer")


def test_what_was_left_is_named_with_the_way_to_the_new_one_at_every_sync(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.write(NB, "my notes")
    course.release(LAB, "second edition")
    course.release(NB, "second edition")
    sync(course.root, course.work)
    text = sync(course.root, course.work).text()
    assert f"left {LAB}" in text
    assert "make reset LAB=lab04" in text
    assert "make reset LAB=nb03" in text


def test_two_editions_later_the_students_file_is_still_the_students(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    for edition in ("second edition", "third edition"):
        course.release(LAB, edition)
        assert sync(course.root, course.work).names("left") == [LAB]
    assert course.read(LAB) == "my answer"


def test_two_editions_later_an_untouched_file_is_the_newest(course):
    for edition in ("first", "second", "third"):
        course.release(LAB, edition)
        sync(course.root, course.work)
    assert course.read(LAB) == "third"


def test_a_student_who_takes_a_change_back_is_handed_the_next_edition(course):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.release(LAB, "second edition")
    sync(course.root, course.work)
    course.write(LAB, "lab, first edition")
    assert sync(course.root, course.work).names("replaced") == [LAB]
    assert course.read(LAB) == "second edition"


def test_a_deleted_file_is_handed_out_again(course):
    sync(course.root, course.work)
    (course.work / NB).unlink()
    assert sync(course.root, course.work).names("added") == [NB]


def test_a_file_that_was_there_before_the_course_is_the_students(course):
    course.write(NB, "I had this before")
    course.write("notebooks/mine.ipynb", "and this")
    assert sync(course.root, course.work).names("left") == [NB]
    assert course.read(NB) == "I had this before"
    assert course.read("notebooks/mine.ipynb") == "and this"


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"files": 3}', '{"files": {"a": [1]}}', "\x00"])
def test_with_a_damaged_manifest_everything_that_differs_is_the_students(course, damage):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.write(work.MANIFEST, damage)
    course.release(NB, "second edition")
    report = sync(course.root, course.work)
    assert sorted(report.names("left")) == sorted([NB, LAB])
    assert (course.read(NB), course.read(LAB)) == ("notebook, first edition", "my answer")


def test_a_lost_manifest_is_made_again_for_what_is_as_handed_out(course):
    sync(course.root, course.work)
    (course.work / work.MANIFEST).unlink()
    assert sync(course.root, course.work).text() == ""
    course.release(NB, "second edition")
    assert sync(course.root, course.work).names("replaced") == [NB]


def test_what_left_the_course_stays_with_the_student_and_is_said_once(course):
    sync(course.root, course.work)
    (course.root / NB).unlink()
    assert "left the course" in sync(course.root, course.work).text()
    assert sync(course.root, course.work).text() == ""
    assert course.read(NB) == "notebook, first edition"


def test_a_link_or_a_folder_in_a_files_place_is_left(course, tmp_path):
    elsewhere = tmp_path / "elsewhere.ipynb"
    elsewhere.write_text("behind the link")
    (course.work / "notebooks").mkdir(parents=True)
    (course.work / NB).symlink_to(elsewhere)
    (course.work / LAB).mkdir(parents=True)
    assert sorted(sync(course.root, course.work).names("left")) == sorted([NB, LAB])
    assert elsewhere.read_text() == "behind the link"


def test_work_may_be_a_link_to_another_disk(course, tmp_path):
    (tmp_path / "disk").mkdir()
    course.work.symlink_to(tmp_path / "disk")
    sync(course.root, course.work)
    assert (tmp_path / "disk" / NB).read_text() == "notebook, first edition"


def test_work_that_is_a_file_is_refused_and_kept(course):
    course.work.write_text("my thesis")
    with pytest.raises(WorkError, match="is no folder: move it away"):
        sync(course.root, course.work)
    assert course.work.read_text() == "my thesis"


def test_a_file_where_a_folder_belongs_is_named_and_kept(course):
    course.write("labs", "my list of labs")
    report = sync(course.root, course.work)
    assert sorted(report.names("refused")) == sorted([LAB, DATA])
    assert report.names("added") == [NB]
    assert course.read("labs") == "my list of labs"


def test_a_disk_that_refuses_leaves_every_file_as_it_was(course, monkeypatch):
    sync(course.root, course.work)
    course.write(LAB, "my answer")
    course.release(NB, "second edition")

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    report = sync(course.root, course.work)
    assert report.names("refused") == [NB]
    assert "cannot be written" in report.text()
    assert course.all_texts() >= {"notebook, first edition", "my answer"}
    assert not list(course.work.rglob("*.new")), "the half-written file must not stay behind"
    monkeypatch.undo()
    assert sync(course.root, course.work).names("replaced") == [NB]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["release", "write", "delete", "sync", "lose manifest", "retire"]),
        st.sampled_from([NB, LAB, DATA]),
        st.integers(1, 3),
    ),
    max_size=14,
)


@given(EVENTS)
def test_whatever_happens_no_sync_takes_a_students_bytes(tmp_path_factory, events):
    course = Course(tmp_path_factory.mktemp("life"))
    mine: dict[str, str] = {}
    for what, name, number in events:
        if what == "release":
            course.release(name, f"edition {number}")
        elif what == "retire":
            (course.root / name).unlink(missing_ok=True)
        elif what == "write":
            course.write(name, mine.setdefault(name, "") + f"mine {number}")
            mine[name] = course.read(name)
        elif what == "delete":
            (course.work / name).unlink(missing_ok=True)
            mine.pop(name, None)
        elif what == "lose manifest":
            (course.work / work.MANIFEST).unlink(missing_ok=True)
        else:
            sync(course.root, course.work)
        assert {name: course.read(name) for name in mine} == mine
