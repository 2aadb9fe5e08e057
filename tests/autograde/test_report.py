"""The class as an instructor sees it: numbers, table, pictures and page are views of the same results."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograde.course import ROOT, CannotGrade
from autograde.inside.results import to_json
from autograde.report import as_json, load, table
from autograde.report.next_steps import NEXT_STEPS
from autograde.report.page import report_page
from autograde.report.pictures import histogram, success
from autograde.report.summary import FAILURES, by_lab, summary
from tests.autograde.made_results import ADA, FAILED, LAB, REGRADE, a_class, failed
from tests.autograde.test_feedback import HARMLESS, Read, without_layout

CLASS = [ADA, *(failed(f"no_{status}", status) for status in FAILED)]


def scored(*scores: float, most: float = 20):
    return [replace(ADA, student=f"s{place}", score=score, max_score=most) for place, score in enumerate(scores)]


def test_every_submission_is_in_the_histogram_once():
    counted = summary(LAB, a_class(200))
    in_bars = sum(one.whole + one.stopped for one in counted.histogram)
    assert in_bars + counted.no_score == 200
    assert sum(one.stopped for one in counted.histogram) == sum(
        counted.statuses.get(status, 0) for status in ("timed_out", "kernel_died", "unreadable")
    )


@settings(deadline=None)
@given(st.lists(st.floats(-2, 30), min_size=1, max_size=30), st.sampled_from([0.5, 1, 9, 20, 77, 1000, 5000]))
def test_a_score_stands_in_its_bin_and_extra_credit_in_the_last(scores, most):
    for score in scores:
        bins = summary(LAB, scored(score, most=most)).histogram
        (full,) = [one for one in bins if one.whole]
        assert (
            full.low <= score < full.high or (score < 0 and full is bins[0]) or (score >= full.low and full is bins[-1])
        )
        assert len(bins) <= 12 and bins[0].low == 0 and bins[-1].high == pytest.approx(most)


def test_what_nobody_graded_counts_for_no_mean():
    counted = summary(LAB, [*scored(10, 14), failed("zoe", "missing"), failed("yan", "grader_error")])
    assert (counted.mean, counted.median, counted.no_score) == (12, 12, 2)
    alone = summary(LAB, [failed("zoe", "missing")])
    assert (alone.mean, alone.median) == (None, None)


def test_the_share_of_a_misconception_is_of_those_who_attempted_the_exercise():
    wrong, stub = ADA.exercises[1], replace(ADA.exercises[1], status="not_attempted", misconception="")
    right = replace(wrong, status="right", misconception="")
    given_in = [
        replace(ADA, student=f"s{place}", exercises=(one,)) for place, one in enumerate([wrong, right, stub, stub])
    ]
    (found,) = summary(LAB, given_in).misconceptions
    assert (found.name, found.count, found.attempted, found.share) == ("rounds down", 1, 2, 0.5)
    assert found.sentence == wrong.message


def test_each_exercise_accounts_for_every_submission():
    for exercise in summary(LAB, a_class(50)).exercises:
        assert sum(exercise.statuses.values()) == exercise.submissions == 50


def test_failures_come_with_their_reason_and_the_instructors_next_step():
    found = as_json(CLASS)["labs"][0]
    assert {(one["student"], one["sentence"]) for one in found["failures"]} == {
        (f"no_{status}", sentence) for status, sentence in FAILED.items()
    }
    assert set(found["next_steps"]) == set(FAILURES) == set(NEXT_STEPS)


def test_the_json_tells_of_regrades_and_of_a_missing_sandbox():
    found = as_json([replace(ADA, history=(REGRADE,), isolation="none")])["labs"][0]
    assert found["unsafe"] == 1
    assert found["regraded"] == (
        {"student": "ada", "exercise": "size_for", "note": REGRADE.note, "score_before": 0, "score_after": 2},
    )


def test_labs_are_kept_apart_and_in_order():
    both = [replace(ADA, lab="lab07"), ADA]
    assert list(by_lab(both)) == [LAB, "lab07"]
    assert [lab["submissions"] for lab in as_json(both)["labs"]] == [1, 1]


def test_the_table_has_a_line_per_submission_and_tells_of_regrades():
    shown = table([*CLASS[1:], replace(ADA, history=(REGRADE,))])
    assert re.search(r"ada +5\.5 / 20  \+ x / \. ! \?  graded", shown)
    assert all(sentence in shown for sentence in FAILED.values())
    assert "ada, size_for: 0 -> 2 points. the test of 4.2 refused a right answer" in shown
    assert "SANDBOX" not in shown
    assert "; in 1 a person has yet to read an answer" in shown
    assert "GRADED WITHOUT A SANDBOX" in table([replace(ADA, isolation="none")])


@pytest.mark.parametrize("draw", [histogram, success])
def test_a_picture_is_told_in_words_and_is_the_same_at_every_run(draw):
    counted = summary(LAB, a_class(40))
    drawn = draw(counted)
    assert drawn == draw(counted)
    for address in (drawn.light, drawn.dark):
        svg = b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode()
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "<dc:date>" not in svg and "matplotlib.org" not in re.sub(r"<!--.*?-->", "", svg)
    assert drawn.light != drawn.dark
    assert "40" in drawn.words and len(drawn.words) > 80


def test_the_words_of_the_pictures_hold_their_numbers():
    counted = summary(LAB, [*scored(3, 3, 20), failed("zoe", "missing")])
    assert "2 to 4 points: 2, 18 to 20 points: 1, not graded: 1." in histogram(counted).words
    assert "4.2 Size lookup: 3 wrong, 1 did not run." in success(counted).words


@pytest.mark.parametrize("size", [1, 2, 60])
def test_a_class_of_any_size_makes_a_page(size):
    shown = Read(report_page("class", a_class(size)))
    assert shown.text.count("student0") >= size
    alternatives = [value for name, value in shown.attributes if name == "alt"]
    assert len(alternatives) == 2 and all(alternatives)


def test_a_class_in_which_nothing_was_graded_makes_a_page():
    lost = [replace(failed("zoe", status), exercises=(), max_score=0) for status in ("missing", "grader_error")]
    assert "none of them graded" in report_page("class", lost)


def test_the_page_says_what_failed_why_and_what_to_do():
    text = without_layout(Read(report_page("class", CLASS)).text)
    for status, sentence in FAILED.items():
        assert f"1 {status.replace('_', ' ')}." in text
        assert without_layout(sentence.replace("`", "")) in text
    assert "python -m autograde regrade STUDENT" in text
    assert re.search(r"no_grader_error ?none", text), "a grade that failed is not one of 0 points"
    assert re.search(r"no_missing ?none", text) and re.search(r"no_unreadable ?0", text)


def test_the_page_has_a_banner_only_where_no_sandbox_was():
    assert "Graded without a sandbox" not in report_page("class", CLASS)
    assert "1 of 2. A student's code" in Read(report_page("class", [replace(ADA, isolation="none"), CLASS[1]])).text


def test_a_class_of_two_thousand_stays_one_page_of_a_few_megabytes():
    shown = report_page("class", a_class(2000))
    assert len(shown) < 4_000_000
    assert shown.count("<tr>") > 2000


def test_no_text_of_a_student_becomes_markup_in_the_report():
    evil = "<script>alert(1)</script>"
    exercise = replace(ADA.exercises[1], title=evil, message=evil, misconception=evil, id=evil)
    again = replace(REGRADE, note=evil, exercise=evil)
    one = replace(
        ADA, student=evil, lab=evil, sentence=evil, status="timed_out", exercises=(exercise,), history=(again,)
    )
    read = Read(report_page(evil, [one]))
    assert set(read.tags) <= HARMLESS | {"h3", "b", "figure", "figcaption", "picture", "source", "img", "caption",
        "table", "thead", "tbody", "tr", "th", "td", "abbr"}  # fmt: skip
    assert all(
        value.startswith("data:image/svg+xml;base64,") for name, value in read.attributes if name in ("src", "srcset")
    )
    assert read.text.count(evil) >= 8


def test_a_damaged_result_is_named(tmp_path):
    path = tmp_path / "ada" / LAB / "results.json"
    path.parent.mkdir(parents=True)
    path.write_text(to_json(ADA.stored()))
    assert load(tmp_path) == [ADA]
    path.write_text("{")
    with pytest.raises(CannotGrade, match=r"results\.json cannot be read \(JSONDecodeError"):
        load(tmp_path)


def test_what_grade_loads_for_tables_and_pages_leaves_matplotlib_alone():
    code = "import sys, autograde.report, autograde.report.exports, autograde.pages; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr
