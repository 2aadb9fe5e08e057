"""The gallery of submissions, graded as one class: each gets its golden result, and each page is fit to hand back."""

import json
import unicodedata

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograde import gradebook
from autograde.build import build
from autograde.release import HIDDEN, secret_lines
from tests.autograde.gallery import GROUPS, KINDS, TOY, entries

pytestmark = pytest.mark.sandbox
ENTRIES = entries()


@pytest.mark.parametrize("student", ENTRIES, ids=ascii)
def test_each_submission_gets_its_golden_result(gallery, student):
    found, expected = gallery.printed[student], ENTRIES[student].expected
    parts = {part["id"]: part for part in found["exercises"]}
    statuses = {name: parts[name]["status"] for name in expected.exercises}
    assert (found["status"], found["score"], statuses) == (expected.status, expected.score, expected.exercises), parts
    told = [part["message"] for part in parts.values()] + [json.loads(gallery.result(student))["sentence"]]
    assert any(expected.told in sentence for sentence in told), told


def test_the_gallery_is_as_large_as_it_was_meant_to_be():
    count = {group: sum(kind.group == group for kind in ENTRIES.values()) for group in GROUPS}
    assert count["hostile"] >= 45 and count["damaged"] >= 30, count
    assert all(kind.about.endswith((".", "?")) for kind in ENTRIES.values())


def test_every_student_has_a_result_and_every_result_adds_up(gallery):
    assert gallery.printed.keys() == ENTRIES.keys()
    for found in gallery.printed.values():
        assert found["score"] == sum(part["score"] for part in found["exercises"])
        assert found["max_score"] == sum(part["max_score"] for part in found["exercises"])
        assert all(0 <= part["score"] <= part["max_score"] for part in found["exercises"])


def test_every_graded_cell_has_a_score_in_nbgraders_gradebook(gallery):
    scores = {found["student"]: found["score"] for student, found in gallery.printed.items() if student in KINDS}
    with Gradebook(gradebook.url(gallery.out() / "gradebook.db"), gradebook.COURSE_ID) as book:
        for student, score in scores.items():
            grades = book.find_submission_notebook(TOY, TOY, student).grades
            assert {grade.name for grade in grades} == {"test_double", "test_roots", "why"}
            assert all(grade.auto_score is not None for grade in grades if grade.name != "why"), student
            assert sum(grade.score for grade in grades) == score, student


def test_no_line_of_a_hidden_test_reaches_a_student(gallery):
    lab = gallery.around.course.lab(TOY)
    hidden = secret_lines(build(lab, gallery.around.course.seed(lab, gallery.around.course.submitted)), HIDDEN)
    assert "if answer != expected_double(number):" in hidden
    assert len(list((gallery.out() / "feedback").glob("*/toy/toy.html"))) == len(KINDS)
    for path, text in gallery.handed_back():
        assert [line for line in hidden if line in text or line.replace("'", "&#x27;") in text] == [], path


def test_feedback_shows_where_the_students_own_code_stopped(gallery):
    page = gallery.page("raises")
    assert "return x / 0" in page
    assert "ZeroDivisionError" in page
    assert "def ask" not in page


def test_no_markup_of_a_student_gets_into_a_page(gallery):
    """A student's text is shown as text: their tags are spelled out, and no tag of a page runs or loads anything."""
    for path, text in gallery.pages():
        lower = text.lower()
        assert "<script" not in lower and "<img src=x" not in lower and "<iframe" not in lower, path
    assert "&lt;script&gt;alert(2)" in gallery.page("script")
    assert "&lt;script&gt;alert(3)" in gallery.page("script")  # their own source, shown as text


def test_no_text_of_a_student_steers_a_terminal_or_a_spreadsheet(gallery):
    texts = [text for _, text in gallery.handed_back()]
    texts += [part["message"] for found in gallery.printed.values() for part in found["exercises"]]
    for text in texts:
        steers = [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Co") and sign not in "\n\t\r"]
        assert steers == [], text[:2000]
    rows = (gallery.out() / "grades.csv").read_text().splitlines()
    assert not any(cell.strip('"')[:1] in ("=", "+", "@") for row in rows for cell in row.split(",")), rows
    assert not any(row.startswith(("-", '"-')) for row in rows)


def test_what_was_repaired_is_told(gallery):
    notes = json.loads(gallery.result("test_edited"))["notes"]
    assert notes == ["The cell `test_double` had been changed. The course's own was run."]
    assert json.loads(gallery.result("perfect"))["notes"] == []


def test_a_flood_of_output_is_cut_off(gallery):
    for path in (gallery.out() / "autograded").glob("*/toy/toy.ipynb"):
        assert path.stat().st_size < 3_000_000, path
    path = gallery.out() / "autograded" / "prints_a_lot" / "toy" / "toy.ipynb"
    assert "a part of this cell's output was cut off here" in path.read_text()


def test_the_autograded_notebook_can_be_opened_by_formgrader(gallery):
    for student, kind in KINDS.items():
        path = gallery.out() / "autograded" / gallery.named(student) / TOY / f"{TOY}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        ran = kind.expected.status not in ("missing", "unreadable")
        assert ("expected_double" in "".join(cell.source for cell in notebook.cells)) == ran, path


def test_the_table_in_the_csv_has_status_total_and_exercises(gallery):
    lines = (gallery.out() / "grades.csv").read_text().splitlines()
    assert lines[0] == "student,lab,status,score,max_score,double,roots,why,note"
    assert "perfect,toy,graded,6.0,9.0,2.0,4.0,0.0," in lines
    assert len(lines) == len(KINDS) + 1
