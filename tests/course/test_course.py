"""The one door: verbs, wrong usage, old Pythons, and that `make` and the scripts lead to it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import clean
import course as door
import environment

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("lab", "test", "grade", "mine", "reset", "notebooks", "release", "soak", "check", "picture", "clean")


def run(*arguments: str, **own: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ".ci/course.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_help_and_in_the_makefile(verb):
    assert re.search(rf"^ +{verb}\b", run("--help").stdout, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.* {verb}\b", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check", "--hard"], ["lab", "--port", "many"]])
def test_wrong_usage_ends_with_2_and_says_so(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "course.py: error" in done.stderr or "usage" in done.stderr


def test_a_reset_of_nothing_in_the_course_names_what_there_is():
    done = run("reset", "lab99")
    assert done.returncode == 1
    assert "make reset LAB=lab04" in done.stderr
    assert "00_start_here" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra", "started"),
    [
        (["test", "-k", "pool", "-x"], "dev", ["-m", "pytest", "-k", "pool", "-x"]),
        (["grade"], "instructor", ["-m", "autograde", "grade", "autograde/sample_class"]),
        (["grade", "--json"], "instructor", ["-m", "autograde", "grade", "autograde/sample_class", "--json"]),
        (["grade", "a folder", "--json"], "instructor", ["-m", "autograde", "grade", "a folder", "--json"]),
        (["mine"], "instructor", ["-m", "autograde", "mine"]),
        (["mine", ""], "instructor", ["-m", "autograde", "mine"]),
        (["mine", "lab04", "--solutions"], "instructor", ["-m", "autograde", "mine", "lab04", "--solutions"]),
        (["release", "--check"], "instructor", ["-m", "autograde", "release", "--check"]),
        (["notebooks"], "instructor", [".ci/notebooks.py"]),
        (["picture"], "student", [".ci/picture.py"]),
    ],
)
def test_a_verb_starts_its_tool_with_the_options_handed_on(monkeypatch, arguments, extra, started):
    calls = []
    monkeypatch.setattr(environment, "ensure", lambda wanted, root: calls.append(wanted) or Path("python"))
    monkeypatch.setattr(door, "run_in", lambda python, *rest: calls.append(list(rest)) or 5)
    assert door.main(arguments) == 5, "the tool's own exit status is handed back"
    assert calls == [extra, started]


def test_soak_asks_for_the_large_fuzz(monkeypatch):
    monkeypatch.setattr(environment, "ensure", lambda *_: Path("python"))
    monkeypatch.setattr(door, "run_in", lambda python, *started: started.index("tests/graphs/test_fuzz.py") and 0)
    monkeypatch.setenv("LAUNCH_BOUND_FUZZ_PROGRAMS", "restored after the test")
    monkeypatch.delenv("LAUNCH_BOUND_FUZZ_PROGRAMS")
    assert door.main(["soak"]) == 0
    assert os.environ["LAUNCH_BOUND_FUZZ_PROGRAMS"] == "100000"
    assert all((ROOT / name).is_file() for name in door.SOAK)


def test_the_sample_class_that_make_grade_grades_is_there():
    assert len(list((ROOT / door.SAMPLE_CLASS).glob("*/*/*.ipynb"))) >= 12


def test_a_set_up_that_cannot_go_on_is_a_sentence_and_status_1(monkeypatch, capsys):
    def refuse(*_):
        raise environment.SetupError("No network here.")

    monkeypatch.setattr(environment, "ensure", refuse)
    assert door.main(["test"]) == 1
    assert capsys.readouterr().err == "No network here.\n"


def test_a_python_that_is_too_old_is_told_so_and_can_read_that_far(tmp_path):
    source = (ROOT / ".ci" / "course.py").read_text()
    ast.parse(source, feature_version=(3, 7))
    pretend = source.replace("import sys\n", "import sys\nsys.version_info = (3, 9, 2)\n", 1)
    (tmp_path / "course.py").write_text(pretend)
    done = subprocess.run([sys.executable, tmp_path / "course.py", "lab"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this one is 3.9.2" in done.stderr
    assert "make lab PYTHON=" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed: apt install make")
def test_make_hands_a_verb_and_its_options_to_the_door():
    own = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}  # `make test` runs us
    command = ["make", "-n", "test", "ARGS=-k pool", "PYTHON=py"]
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
    assert done.stdout.strip() == "py .ci/course.py test -k pool"


def test_clean_takes_what_tools_made_and_leaves_what_people_made(tmp_path):
    made = [".venv/bin/python", "mini_lib/__pycache__/a.pyc", ".ruff_cache/x", "solutions/lab04_x/lab04_x.ipynb",
            ".ci/pyodide/node_modules/pyodide/package.json"]  # fmt: skip
    kept = ["work/labs/lab04.ipynb", "work/.ipynb_checkpoints/a", "autograde/submitted/anna/a.ipynb", "mini_lib/a.py",
            "autograde/out/gradebook.db", "solutions/lab04_x/lab04_x.py", "labs/lab04_x/lab04_x.ipynb",
            ".ci/pyodide/package.json"]  # fmt: skip
    for name in made + kept:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert "Removed 5 things" in clean.clean(tmp_path)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == sorted(kept)
