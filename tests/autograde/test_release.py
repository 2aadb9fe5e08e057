"""From source to release: what students get, byte for byte, and what they must never get."""

import json
import shutil
from pathlib import Path

import pytest

from autograde.build import build
from autograde.cli import main
from autograde.course import CannotGrade, Course
from autograde.first_cells import first_cells
from autograde.release import leaks, release, released, secret_lines

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def course(tmp_path):
    shutil.copytree(TOY, tmp_path / "toy")
    return Course(tmp_path / "toy")


def change(course, old, new):
    source = course.lab("toy").source
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))


def test_two_builds_give_the_same_bytes(course):
    lab = course.lab("toy")
    assert release(course, lab) == release(course, lab)


def test_a_release_holds_the_stub_and_neither_answers_nor_hidden_tests(course):
    made = json.loads(release(course, course.lab("toy")))
    text = "\n".join(
        made_cell["source"] if isinstance(made_cell["source"], str) else "".join(made_cell["source"])
        for made_cell in made["cells"]
    )
    assert "raise NotImplementedError()" in text
    assert "assert callable(double)" in text
    for secret in ("x + x", "SEED", "expected_double", "HIDDEN", "has no real root"):
        assert secret not in text


def test_directives_are_filled_in_with_functions_and_seed(course):
    built = build(course.lab("toy"), seed=77)
    test = next(cell for cell in built.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_double")
    assert "SEED = 77" in test.source
    assert "def expected_double(number):" in test.source
    assert "#|" not in test.source


def test_a_release_that_shows_an_answer_is_named_line_by_line(course):
    built = released(course.lab("toy"), 1, course.root / "pyproject.toml")
    built.release.cells[-1].source = "    return x + x  # the answer of the toy"
    assert leaks(built.source, built.release) == ["return x + x  # the answer of the toy"]


def test_lines_that_stand_in_the_visible_part_too_are_no_secret(course):
    change(course, 'print("a plain cell that nobody grades")', "expected = expected_double(7)")
    change(course, "for number in (3, 5, SEED):", "expected = expected_double(7)\nfor number in (3, 5, SEED):")
    assert "expected = expected_double(7)" not in secret_lines(build(course.lab("toy"), seed=1))


def test_check_fails_on_a_release_that_was_edited_by_hand(course, capsys):
    arguments = ["release", "--course", str(course.root)]
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    path = course.release_path(course.lab("toy"))
    path.write_text(path.read_text().replace("A toy lab", "My toy lab"))
    assert main([*arguments, "--check"]) == 1
    assert "python -m autograde release" in capsys.readouterr().err
    assert "My toy lab" in path.read_text()


@pytest.mark.parametrize(("old", "new", "told"), [
    ("#| include ask from", "#| include gone from", "gone"),
    ('grade_id="double"', 'grade_id="double" point=3', "point"),
    ("assert callable(double)\n", "#| seed\n", "HIDDEN TESTS"),
])  # fmt: skip
def test_a_source_with_a_slip_is_refused_with_the_slip(course, old, new, told):
    change(course, old, new)
    with pytest.raises(CannotGrade, match=told):
        release(course, course.lab("toy"))


def test_the_badge_and_the_install_cell_come_from_the_repository_url(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        '[project]\nname = "some-course"\n[project.urls]\nRepository = "https://github.com/org/repo.git"\n'
    )
    made = first_cells("labs/a/a.ipynb", pyproject)
    assert "colab.research.google.com/github/org/repo/blob/main/labs/a/a.ipynb" in made.badge
    assert '%pip install -q "some-course @ git+https://github.com/org/repo"' in made.install


def test_the_install_cell_does_nothing_where_the_library_is_there():
    from IPython.core.inputtransformer2 import TransformerManager

    code = TransformerManager().transform_cell(first_cells("notebooks/00_start_here.ipynb").install)
    exec(code, {"get_ipython": lambda: pytest.fail("the cell tried to install")})


def test_first_cells_stand_in_front_where_the_course_has_a_pyproject(course):
    (course.root / "pyproject.toml").write_text(
        '[project]\nname = "some-course"\n[project.urls]\nRepository = "https://github.com/org/repo"\n'
    )
    made = json.loads(release(course, course.lab("toy")))
    assert "colab" in "".join(made["cells"][0]["source"])
    assert "%pip install" in "".join(made["cells"][1]["source"])
