"""The real command on a small class: when it refuses, what `check` says, and that nbgrader would have said the same."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograde import gradebook
from autograde.cli import main
from autograde.course import ROOT, Course
from autograde.inside.results import SubmissionResult, from_stored
from autograde.report import grades_csv, inert
from tests.autograde.gallery import KINDS


def scores(toy, student):
    """Return score by cell as nbgrader's gradebook has it."""
    with Gradebook(gradebook.url(toy.out / "gradebook.db"), gradebook.COURSE_ID) as book:
        return {grade.name: grade.score for grade in book.find_submission_notebook("toy", "toy", student).grades}


def test_nobody_is_graded_where_the_solution_itself_fails(new_class):
    toy = new_class()
    toy.hand_in({"ada": KINDS["perfect"]})
    reference = toy.lab.folder / "reference.py"
    reference.write_text(reference.read_text().replace("return number * 2", "import missing_library"))
    done = toy.call("grade")
    assert done.returncode == 1
    assert "toy: before anybody is graded, its tests are tried" in done.stderr
    assert "even the solution gets only 4 of 6 points here (double: ModuleNotFoundError" in done.stderr
    assert not (toy.out / "grades.csv").exists()


def test_check_catches_all_mutants_of_the_toy_and_names_a_weak_test(new_class):
    toy = new_class()
    weak = toy.lab.folder.with_name("weak")
    shutil.copytree(toy.lab.folder, weak)
    source = (weak / "toy.py").rename(weak / "weak.py")
    source.write_text(source.read_text().replace("if answer != expected_double(number)", "if not answer"))
    done = toy.call("check", "--json")
    common = {
        "solution": {"score": 6.0, "max_score": 9.0},
        "release": "not_attempted",
        "right_answers": {"total": 1, "passed": 1},
    }
    assert json.loads(done.stdout) == {
        "version": 1,
        "ok": False,
        "labs": [
            {"lab": "toy", "mutants": {"total": 2, "caught": 2, "named": 2}, **common},
            {"lab": "weak", "mutants": {"total": 2, "caught": 1, "named": 1}, **common},
        ],
    }
    assert done.returncode == 1
    assert "weak: mutant 'squares' loses 0 points of double, it must lose 2" in done.stderr
    assert "toy: " not in done.stderr


def test_nbgrader_autograde_gives_the_same_honest_scores(new_class):
    """nbgrader's own command, with our configuration, on the same course; the seed and the hidden tests included."""
    honest = ("perfect", "untouched", "one_wrong", "partial", "warns", "test_deleted", "colab")
    toy = new_class()
    toy.hand_in({kind: KINDS[kind] for kind in honest})
    printed = toy.grade()
    folder = toy.course.root / "autograde"
    (folder / "nbgrader_config.py").write_text((ROOT / "autograde" / "nbgrader_config.py").read_text())
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_PATH": str(folder)}
    with Gradebook(gradebook.url(toy.out / "gradebook.db"), gradebook.COURSE_ID) as book:
        for grade in (grade for one in book.assignment_submissions("toy") for grade in one.notebooks[0].grades):
            grade.auto_score = 0.125  # so that a score which nbgrader does not write shows
        book.db.commit()
    command = [sys.executable, "-m", "nbgrader", "autograde", "toy", "--force"]
    done = subprocess.run(command, cwd=toy.course.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {kind: sum(scores(toy, kind).values()) for kind in honest} == {
        kind: printed[kind]["score"] for kind in honest
    }


@pytest.mark.parametrize(("arguments", "status", "told"), [
    (["grade", "/nowhere"], 1, "There is no folder /nowhere"),
    (["grade", "--lab", "lab99"], 1, "No one lab is called 'lab99'"),
    (["report"], 1, "was not graded yet"),
    (["report", "/nowhere"], 1, "There is no folder /nowhere"),
    (["regrade", "ada", "--note", " "], 2, "the student reads it"),
    (["check", "--lab", "lab99"], 1, "The labs in"),
    (["grade", "--jobs", "0"], 2, "whole number of at least 1"),
    (["regrade"], 2, "STUDENT"),
    ([], 2, "VERB"),
])  # fmt: skip
def test_the_exit_status_tells_who_failed(new_class, capsys, arguments, status, told):
    toy = new_class()
    toy.course.submitted.mkdir()
    root = str(toy.course.root)
    try:
        got = main([*arguments, "--course", root] if arguments else [])
    except SystemExit as left:
        got = left.code
    assert got == status
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "=cmd|' /C calc'!A0"])
def test_no_cell_of_the_csv_is_executed_by_a_spreadsheet(text):
    assert inert(text) == "'" + text
    row = grades_csv([SubmissionResult(text, "toy", "missing", 0, 9, ())]).splitlines()[1]
    assert not row.startswith(tuple("=+-@\t"))


def test_results_of_another_version_are_refused():
    stored = SubmissionResult("ada", "toy", "graded", 6, 9, (), "", ("a note",)).stored()
    assert from_stored(stored) == SubmissionResult("ada", "toy", "graded", 6, 9, (), "", ("a note",))
    with pytest.raises(ValueError, match="version 4"):
        from_stored({**stored, "version": 4})


def test_two_folders_never_share_their_results(tmp_path):
    course = Course(tmp_path)
    places = [course.submitted, course.sample_class, tmp_path / "a" / "class", tmp_path / "b" / "class"]
    assert len({course.out(place) for place in places}) == len(places)


def test_the_instructors_seed_is_used_for_a_class_and_not_for_the_sample(new_class):
    toy = new_class()
    (toy.course.root / "autograde" / "secret_seed").write_text("a secret\n")
    drawn = toy.course.seed(toy.lab, toy.course.submitted)
    assert drawn != toy.lab.seed
    assert drawn == toy.course.seed(dataclasses.replace(toy.lab, seed=5), toy.course.submitted)
    assert toy.course.seed(toy.lab, toy.course.sample_class) == toy.lab.seed
