"""Grading twice, grading by hand, grading with a broken machine: what must hold over time."""

import dataclasses
import json
import os
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
from tests.autograde.damage import BOTH, alone, without
from tests.autograde.gallery import FULL, KINDS, Kind

WRONG = {**BOTH, "double": "def double(x):\n    return 0"}


def scores(toy, student):
    """Return score by cell as nbgrader's gradebook has it."""
    with Gradebook(gradebook.url(toy.out / "gradebook.db"), gradebook.COURSE_ID) as book:
        return {grade.name: grade.score for grade in book.find_submission_notebook("toy", "toy", student).grades}


@pytest.fixture(scope="module")
def toy(new_class):
    """A class of two that is graded, marked by hand, and graded again after both handed in anew."""
    toy = new_class()
    written = Kind(FULL, {**BOTH, "why": "Because."})
    toy.hand_in({"ada": written, "bob": KINDS["perfect"]})
    return toy


def test_a_resubmission_leaves_no_old_score_and_no_mark_by_hand_is_lost(toy):
    first = toy.grade()
    assert (first["ada"]["score"], first["bob"]["score"]) == (6, 6)
    assert first["ada"]["exercises"][2]["status"] == "needs_grader"
    with Gradebook(gradebook.url(toy.out / "gradebook.db"), gradebook.COURSE_ID) as book:
        mark = book.find_grade("why", "toy", "toy", "ada")
        mark.manual_score, mark.needs_manual_grade = 2.5, False  # as the formgrader does
        book.find_comment("why", "toy", "toy", "ada").manual_comment = "Say <more>."
        book.db.commit()
    toy.hand_in(
        {"ada": Kind(FULL, {**WRONG, "why": "Because."}, without("test_double")), "bob": Kind(FULL, {}, alone(b"?"))}
    )
    second = toy.grade()
    assert (second["ada"]["score"], second["bob"]["score"]) == (6.5, 0)
    assert second["ada"]["exercises"][2] == {
        "id": "why", "title": "Say why", "status": "partial", "score": 2.5, "max_score": 3.0, "message": "Say <more>.",
        "misconception": "",
    }  # fmt: skip
    assert scores(toy, "ada") == {"test_double": 0, "test_roots": 4, "why": 2.5}
    assert scores(toy, "bob") == {"test_double": 0, "test_roots": 0, "why": 0}
    assert "Say &lt;more&gt;." in (toy.out / "feedback" / "ada" / "toy" / "toy.html").read_text()


def test_a_lab_that_gained_a_cell_is_refused_while_marks_by_hand_would_be_lost(toy):
    source = toy.lab.source
    text = source.read_text()
    source.write_text(text + '\n# %% grade_id="test_late" points=1\nassert double(1) == 2\n')
    done = toy.call("grade")
    source.write_text(text)
    assert done.returncode == 1
    assert "by hand" in done.stderr


def test_grading_twice_gives_the_same_bytes(new_class):
    toy = new_class()
    toy.hand_in({"ada": KINDS["raises"]})
    toy.grade()
    left = [path for path in toy.out.rglob("*") if path.suffix in (".json", ".html", ".csv", ".ipynb")]
    before = {path: path.read_bytes() for path in left}
    assert len(before) == 6
    (toy.out / "results" / "ada" / "toy" / "results.json").unlink()
    toy.grade()
    assert {path: path.read_bytes() for path in left} == before


def test_nobody_is_graded_where_the_solution_itself_fails(new_class):
    toy = new_class()
    toy.hand_in({"ada": KINDS["perfect"]})
    reference = toy.lab.folder / "reference.py"
    reference.write_text(reference.read_text().replace("return number * 2", "import missing_library"))
    done = toy.call("grade")
    assert done.returncode == 1
    assert "even the solution gets only 4 of 6 points here (double: ModuleNotFoundError" in done.stderr
    assert not (toy.out / "grades.csv").exists()


def test_check_catches_all_mutants_of_the_toy_and_names_a_weak_test(new_class):
    toy = new_class()
    done = toy.call("check", "--json")
    assert json.loads(done.stdout) == {
        "version": 1,
        "ok": True,
        "labs": [
            {
                "lab": "toy",
                "solution": {"score": 6.0, "max_score": 9.0},
                "release": "not_attempted",
                "mutants": {"total": 2, "caught": 2, "named": 2},
                "right_answers": {"total": 1, "passed": 1},
            }
        ],
    }
    toy.lab.source.write_text(
        toy.lab.source.read_text().replace("if answer != expected_double(number)", "if not answer")
    )
    weak = toy.call("check", "--json")
    assert weak.returncode == 1
    assert json.loads(weak.stdout)["labs"][0]["mutants"] == {"total": 2, "caught": 1, "named": 1}
    assert "mutant 'squares' loses 0 points of double, it must lose 2" in weak.stderr


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
