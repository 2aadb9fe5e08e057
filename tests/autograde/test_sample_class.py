"""The bundled sample class: the notebooks are what their recipes make, the results what golden.json says."""

import json

import pytest

from autograde.cli import main
from autograde.course import Course
from autograde.recipes import CLASS, LAB, path_of, submissions

COURSE = Course()


@pytest.fixture(scope="module")
def lab():
    return COURSE.lab(LAB)


def golden():
    return json.loads((COURSE.sample_class / "golden.json").read_text())["submissions"]


def test_the_notebooks_are_what_the_recipes_make(lab):
    made = submissions(COURSE, lab)
    drifted = [student for student, text in made.items() if path_of(COURSE, lab, student).read_text() != text]
    assert drifted == [], "run `python -m autograde.recipes`"
    assert {path.name for path in COURSE.sample_class.iterdir() if path.is_dir()} == set(CLASS)


def test_every_golden_result_is_for_a_student_of_the_class():
    assert sorted(one["student"] for one in golden()) == sorted(CLASS)
    statuses = {one["status"] for one in golden()}
    assert statuses == {"graded", "not_attempted", "timed_out", "kernel_died", "unreadable"}


def test_every_student_gets_the_golden_result(capsys):
    assert main(["grade", str(COURSE.sample_class), "--jobs", "2"]) == 0
    printed = capsys.readouterr().out
    assert f"Golden results: {len(CLASS)} of {len(CLASS)} as expected." in printed
    assert all(student in printed for student in CLASS)
