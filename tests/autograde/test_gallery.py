"""The gallery of submissions, graded as one class: each gets its golden result, and none touches another."""

import json

import nbformat
import psutil
import pytest
from nbgrader.api import Gradebook

from autograde import gradebook
from autograde.build import build
from autograde.release import HIDDEN, secret_lines
from tests.autograde.gallery import KINDS, SLEEP


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_submission_gets_its_golden_result(gallery, kind):
    _, printed = gallery
    found, expected = printed[kind], KINDS[kind].expected
    parts = {part["id"]: part for part in found["exercises"]}
    got = (found["status"], found["score"], parts["double"]["status"], parts["roots"]["status"])
    assert got == (expected.status, expected.score, expected.double, expected.roots), parts
    assert any(expected.told in part["message"] for part in parts.values()), parts


def test_every_student_has_a_result_and_every_result_adds_up(gallery):
    _, printed = gallery
    assert printed.keys() == KINDS.keys()
    for found in printed.values():
        assert found["score"] == sum(part["score"] for part in found["exercises"])
        assert found["max_score"] == sum(part["max_score"] for part in found["exercises"]) == 9


def test_the_printed_json_holds_the_promised_names_and_no_others(gallery):
    _, printed = gallery
    assert list(printed["perfect"]) == ["student", "lab", "status", "score", "max_score", "exercises"]
    names = ["id", "title", "status", "score", "max_score", "message", "misconception"]
    assert all(list(part) == names for part in printed["perfect"]["exercises"])
    assert [part["title"] for part in printed["perfect"]["exercises"]][1] == "Square roots, as far as they go"


def test_every_graded_cell_has_a_score_in_nbgraders_gradebook(gallery):
    toy, printed = gallery
    with Gradebook(gradebook.url(toy.out / "gradebook.db"), gradebook.COURSE_ID) as book:
        for student in KINDS:
            grades = book.find_submission_notebook("toy", "toy", student).grades
            assert {grade.name for grade in grades} == {"test_double", "test_roots", "why"}
            assert all(grade.auto_score is not None for grade in grades)
            assert sum(grade.score for grade in grades) == printed[student]["score"]


def test_a_sentence_on_the_page_shows_code_as_code_and_markup_of_a_student_as_text(gallery):
    toy, _ = gallery
    pages = {
        kind: (toy.out / "feedback" / kind / "toy" / "toy.html").read_text() for kind in ("endless_and_deaf", "script")
    }
    assert "at the cell <code>" in pages["endless_and_deaf"]
    assert "&lt;script&gt;alert(2)" in pages["script"] and "<script>alert(2)" not in pages["script"]


def test_no_line_of_a_hidden_test_reaches_a_student(gallery):
    toy, _ = gallery
    hidden = secret_lines(build(toy.lab, toy.lab.seed), HIDDEN)
    assert "if answer != expected_double(number):" in hidden
    pages = list((toy.out / "feedback").glob("*/toy/toy.html"))
    assert len(pages) == len(KINDS)
    handed_back = [*pages, *(toy.out / "results").glob("*/*/results.json"), toy.out / "grades.csv"]
    for path in handed_back:
        text = path.read_text()
        assert [line for line in hidden if line in text or line.replace("'", "&#x27;") in text] == []


def test_feedback_shows_where_the_students_own_code_stopped(gallery):
    toy, _ = gallery
    page = (toy.out / "feedback" / "raises" / "toy" / "toy.html").read_text()
    assert "return x / 0" in page
    assert "ZeroDivisionError" in page
    assert "def ask" not in page


def test_no_markup_of_a_student_gets_into_the_feedback(gallery):
    toy, _ = gallery
    page = (toy.out / "feedback" / "script" / "toy" / "toy.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(2)" in page
    assert "&lt;script&gt;alert(3)" in page  # their own source, shown as text


def test_what_was_repaired_is_told(gallery):
    toy, _ = gallery
    notes = json.loads((toy.out / "results" / "test_edited" / "toy" / "results.json").read_text())["notes"]
    assert notes == ["The cell `test_double` had been changed. The course's own was run."]
    untouched = json.loads((toy.out / "results" / "perfect" / "toy" / "results.json").read_text())
    assert untouched["notes"] == []
    assert untouched["version"] == 3


def test_a_flood_of_output_is_cut_off(gallery):
    toy, _ = gallery
    for kind in ("prints_a_lot", "endless_print"):
        path = toy.out / "autograded" / kind / "toy" / "toy.ipynb"
        assert path.stat().st_size < 500_000
        assert "a part of this cell's output was cut off here" in path.read_text()


def test_a_process_that_a_student_left_behind_is_ended(gallery):
    found = [process.cmdline() for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE]
    assert [command for command in found if SLEEP in command] == []


def test_the_autograded_notebook_can_be_opened_by_formgrader(gallery):
    toy, _ = gallery
    for kind in ("perfect", "metadata_lost", "truncated"):
        notebook = nbformat.read(toy.out / "autograded" / kind / "toy" / "toy.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert "expected_double" in "".join(cell.source for cell in notebook.cells) or kind == "truncated"


def test_the_table_in_the_csv_has_status_total_and_exercises(gallery):
    toy, _ = gallery
    lines = (toy.out / "grades.csv").read_text().splitlines()
    assert lines[0] == "student,lab,status,score,max_score,double,roots,why,note"
    assert "perfect,toy,graded,6.0,9.0,2.0,4.0,0.0," in lines
    assert len(lines) == len(KINDS) + 1


def test_report_shows_the_class_without_grading_it_again(gallery):
    toy, printed = gallery
    shown = toy.call("report")
    assert shown.returncode == 0
    assert all(student in shown.stdout for student in KINDS)
    counted = json.loads(toy.call("report", "--json").stdout)
    assert counted["labs"][0]["statuses"]["kernel_died"] == 1
    assert {one["student"]: one for one in counted["submissions"]} == printed
