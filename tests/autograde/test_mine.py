"""A learner's own copy in work/: graded as a class is, left as it is, the solution only beside an honest attempt."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograde import mine
from autograde.course import Course
from autograde.mine import is_attempt, meaning
from autograde.pool import Pool
from autograde.release import release
from autograde.sandbox.machine import probe
from tests.autograde import calling

TOY = Path(__file__).parent / "toy"
OURS = "the answer of the toy"  # stands in the solution of `double` alone
WRONG = "def double(x):\n    return 3 * x\n"
TALKS = 'def double(x):\n    """Return x twice over."""\n    # I will think about it\n    raise NotImplementedError()\n'


def call(course, *arguments):
    return calling.call("mine", *arguments, "--course", str(course.root))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A released toy course; nobody has a copy yet."""
    made = Course(tmp_path_factory.mktemp("released") / "course")
    shutil.copytree(TOY, made.root)
    path = made.release_path(made.lab("toy"))
    path.parent.mkdir(parents=True)
    path.write_bytes(release(made, made.lab("toy")))
    return made


@pytest.fixture(scope="module")
def hands(released):
    """This machine's, with servers that start once: that takes seconds."""
    with Pool(released.root, unsafe=not probe().isolates) as pool:
        yield pool


@pytest.fixture
def course(released, hands, tmp_path, monkeypatch):
    """A copy of that course, where whoever wants other hands than these gets them."""

    def pool(root, unsafe):
        same = unsafe == (hands.isolation == "none")
        return contextlib.nullcontext(hands) if same else Pool(root, unsafe=unsafe)

    monkeypatch.setattr(mine, "Pool", pool)
    shutil.copytree(released.root, tmp_path / "course")
    return Course(tmp_path / "course")


def write(course, **answers):
    """Put a copy into work/ with these answers in it; return its path."""
    notebook = json.loads(course.release_path(course.lab("toy")).read_text())
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = answers.get(name, cell["source"])
    path = course.root / "work" / "labs" / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def out(course):
    return course.root / "autograde" / "out" / "mine" / "toy"


def test_feedback_is_shown_and_written_and_work_stays_as_it_was(course):
    write(course, double=WRONG)
    before = files(course.root / "work")
    done = call(course, "toy")
    assert done.returncode == 0, done.stderr
    assert "For 3 the answer is 6, yours is 9." in done.stdout and "0 / 2  Double a number" in done.stdout
    assert "yours is 9." in (out(course) / "feedback.html").read_text()
    assert json.loads((out(course) / "results.json").read_text())["student"] == "you"
    assert "ARGS=--solutions" in done.stdout and not (out(course) / "solutions.html").exists()
    assert files(course.root / "work") == before


def test_the_solution_stands_beside_a_wrong_answer_and_nothing_beside_a_stub(course):
    write(course, double=WRONG)
    done = call(course, "toy", "--solutions", "--json")
    found = json.loads(done.stdout)["labs"][0]
    page = Path(found["solutions"]).read_text()
    assert found["tried"] == ["double"]
    assert "return 3 * x" in page and OURS in page
    assert "math.sqrt" not in page and "BEGIN SOLUTION" not in page
    assert "<li>Square roots" in page and "default-src 'none'" in page


def test_a_stub_with_a_comment_is_no_attempt_and_takes_the_page_of_an_earlier_one_away(course):
    write(course, double=TALKS, roots="# nothing yet\n")
    out(course).mkdir(parents=True)
    (out(course) / "solutions.html").write_text("of yesterday")
    done = call(course, "toy", "--solutions")
    assert done.returncode == 0, done.stderr
    assert "there is none yet" in done.stdout
    assert not (out(course) / "solutions.html").exists()


def test_a_machine_that_cannot_isolate_grades_all_the_same_and_says_so(course, monkeypatch):
    monkeypatch.setattr(mine, "probe", lambda: SimpleNamespace(isolates=False))
    write(course, double=WRONG)
    done = call(course)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("without a sandbox") == 1 and "yours is 9." in done.stdout
    assert "--unsafe" not in (out(course) / "feedback.html").read_text()


def test_a_notebook_that_cannot_be_read_is_a_sentence(course):
    write(course).write_text("not a notebook")
    done = call(course, "toy", "--solutions")
    assert done.returncode == 0
    assert "could not be read" in done.stdout and "0 of" not in done.stdout
    assert done.stdout.count("is not a notebook") == 1, "not once for each exercise"
    feedback = (out(course) / "feedback.html").read_text()
    assert "make reset LAB=toy" in " ".join(done.stdout.split()) and "make reset LAB=toy" in feedback
    assert "instructor" not in feedback and "Hand in" not in feedback


def test_where_there_is_no_copy_the_way_to_one_is_named(course):
    for arguments in ([], ["toy"]):
        done = call(course, *arguments)
        assert done.returncode == 1 and "`make lab` puts your copies" in done.stderr


def test_where_an_answer_stopped_stands_under_it(course):
    write(course, double="def double(x):\n    return {}[x]  # \x1b[2J")
    done = call(course, "toy")
    assert "return {}[x]" in done.stdout and "line 2, in double" in done.stdout
    assert "\x1b" not in done.stdout
    feedback = (out(course) / "feedback.html").read_text()
    assert "Your answer</summary>" in feedback and "handed in" not in feedback


def test_a_setup_for_studying_alone_is_told_how_to_get_the_rest(course, monkeypatch):
    monkeypatch.setitem(sys.modules, "autograde.mine", None)  # its import fails
    done = call(course, "toy")
    assert done.returncode == 1 and "`make mine` installs it" in done.stderr


def test_what_was_never_changed_is_not_graded(course):
    write(course)  # in another layout than it was handed out in, as after a run
    done = call(course)
    assert done.returncode == 0 and "nothing to grade yet" in done.stdout
    assert not out(course).exists()


STUB = "def f():\n    raise NotImplementedError()\n"


@pytest.mark.parametrize(
    "code", [STUB, f"{STUB}\nk", f"k k\n{STUB}", f"# f\n{STUB}", "", f"{STUB}\ndef g():\n    pass"]
)
def test_a_stub_that_still_stands_is_no_attempt(code):
    assert not is_attempt(code, STUB)


@pytest.mark.parametrize("code", [f"{STUB}\ndef f():\n    return 1", "def f(:", "def f():\n    return None", "f = 3"])
def test_a_wrong_answer_is_an_attempt(code):
    assert is_attempt(code, STUB)


@pytest.mark.parametrize("code", ["x = 2", "def f():\n    return 2", "def f(:", "f = 1 # one\nf = 2"])
def test_code_that_does_something_else_means_something_else(code):
    assert meaning(code) != meaning("def f():\n    raise NotImplementedError()")
