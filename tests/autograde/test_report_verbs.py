"""`report`, `feedback` and `export` from the command line, on stored results and marks of people."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autograde.cli import main
from autograde.course import Course
from autograde.inside.results import CellScore
from autograde.lock import only_one
from autograde.marks import Comment, Grade, Held
from autograde.store import Store
from autograde.verbs import graded
from tests.autograde.made_results import ADA, FAILED, LAB, REGRADE, failed

WHY = CellScore("why", "why", True, True, None, 2, "0", False)
MARKS = Held(
    grades={(LAB, "ada", "why"): Grade(None, 1.5, 0.25, False)},
    comments={(LAB, "ada", "why"): Comment(None, "Well <said>.")},
)


class Class:
    """A course in which a class was graded, and its command line."""

    def __init__(self, root, capsys) -> None:
        self.course, self.capsys = Course(root), capsys
        self.course.submitted.mkdir(parents=True)
        self.out = self.course.out(self.course.submitted)
        for result in [replace(ADA, cells=(WHY,), history=(REGRADE,)), failed("zoe", "grader_error")]:
            Store(self.out).write(result)

    def call(self, *arguments: str, status: int = 0) -> str:
        """Run a verb, and return what it printed where it should: on stdout, or on stderr when it could not."""
        self.capsys.readouterr()
        assert main([*arguments, "--course", str(self.course.root)]) == status
        printed = self.capsys.readouterr()
        self.told = printed.err
        return printed.err if status else printed.out


@pytest.fixture
def the_class(tmp_path, capsys):
    return Class(tmp_path, capsys)


@pytest.fixture
def marked(the_class, monkeypatch):
    monkeypatch.setattr(graded, "held", lambda url: MARKS)
    return the_class


def test_report_prints_the_table_and_writes_the_page_beside_the_results(the_class):
    printed = the_class.call("report")
    assert "ada  " in printed and FAILED["grader_error"] in printed
    assert str(the_class.out / "report.html") in printed
    assert "Stopped, or not graded" in (the_class.out / "report.html").read_text()


def test_report_as_json_says_where_the_page_is_and_holds_all_of_it(the_class):
    found = json.loads(the_class.call("report", "--json"))
    assert found["page"] == str(the_class.out / "report.html")
    assert found["labs"][0]["statuses"] == {"graded": 1, "grader_error": 1}
    assert found["labs"][0]["regraded"][0]["note"] == REGRADE.note
    assert [one["student"] for one in found["submissions"]] == ["ada", "zoe"]


def test_marks_and_extra_credit_of_a_person_count_in_report_and_export(marked, tmp_path):
    assert json.loads(marked.call("report", "--json"))["submissions"][0]["score"] == 7.25
    marked.call("export", "--to", str(tmp_path / "grades.csv"))
    assert f"ada,{LAB},graded,7.25,20," in (tmp_path / "grades.csv").read_text()


def test_feedback_writes_all_pages_again_with_the_persons_comment(marked):
    printed = marked.call("feedback")
    assert printed.startswith("2 pages: ")
    page = (marked.out / "feedback" / "ada" / LAB / f"{LAB}.html").read_text()
    assert "Well &lt;said&gt;." in page
    assert "7.25 of 20 points" in page and "so far" not in page
    assert (marked.out / "feedback" / "zoe" / LAB / f"{LAB}.html").is_file()


def test_feedback_of_one_student_writes_that_page_alone(the_class):
    found = json.loads(the_class.call("feedback", "--student", "ada", "--json"))
    assert found["pages"] == [
        {"student": "ada", "lab": LAB, "page": str(the_class.out / "feedback" / "ada" / LAB / f"{LAB}.html")}
    ]
    assert not (the_class.out / "feedback" / "zoe").exists()


def test_feedback_waits_for_a_grader_that_writes_the_same_pages(the_class):
    with only_one(the_class.out):
        assert "is at work on" in the_class.call("feedback", status=1)
    the_class.call("feedback")


def test_feedback_of_somebody_else_says_who_there_is(the_class):
    assert "no result of 'eve'. This class has: ada, zoe." in the_class.call("feedback", "--student", "eve", status=1)


def test_export_tells_whose_grade_is_missing_and_whose_is_not_the_last_word(the_class, tmp_path):
    printed = the_class.call("export", "--to", str(tmp_path / "grades.csv"))
    assert printed == f"2 submissions: {tmp_path / 'grades.csv'}\n"
    assert f"1 without a grade: zoe/{LAB}: grader_error" in the_class.told
    assert f"1 with answers that a person has yet to read; they count 0 so far: ada/{LAB}" in the_class.told
    found = json.loads(the_class.call("export", "--to", str(tmp_path / "x.csv"), "--format", "moodle", "--json"))
    assert found["no_grade"] == [f"zoe/{LAB}: grader_error"] and found["waiting"] == [f"ada/{LAB}"]


def test_export_never_replaces_a_file_unless_told_to(the_class, tmp_path):
    path = tmp_path / "download.csv"
    path.write_text("mine")
    assert "--force" in the_class.call("export", "--to", str(path), "--format", "canvas", status=1)
    assert path.read_text() == "mine"
    the_class.call("export", "--to", str(path), "--format", "canvas", "--force")
    assert path.read_text().startswith("Student,ID,SIS User ID,SIS Login ID,Section,")


@pytest.mark.parametrize(("to", "told"), [(".", "is a folder"), ("nowhere/grades.csv", "There is no folder")])
def test_export_says_what_is_wrong_with_where_it_should_write(the_class, tmp_path, to, told):
    assert told in the_class.call("export", "--to", str(tmp_path / to), status=1)


def test_export_prints_where_the_file_is_a_dash_and_begins_with_a_mark_for_excel_when_asked(the_class, tmp_path):
    assert the_class.call("export", "--to", "-").startswith("student,lab,status,score,")
    the_class.call("export", "--to", str(tmp_path / "grades.csv"), "--bom")
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfstudent,")


@pytest.mark.parametrize("verb", [["report"], ["feedback"], ["export", "--to", "-"]])
def test_a_class_that_was_not_graded_is_told_how(tmp_path, capsys, verb):
    assert main([*verb, str(tmp_path), "--course", str(tmp_path)]) == 1
    assert "was not graded yet. Run `python -m autograde grade" in capsys.readouterr().err
