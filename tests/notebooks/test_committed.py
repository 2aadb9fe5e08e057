"""The notebooks as they are committed: executed, up to date, and readable without running them."""

import ast
import re
import sys

import pytest

from mini_lib.learn import Exercise, practice
from tests.notebooks.building import OFFLINE, PATHS, code_cells, notebook_file, notebooks, rebuilt, texts

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
ALLOWED = {"mini_lib", "torch", "numpy", "matplotlib", "tqdm"} | sys.stdlib_module_names
EXERCISES = [value for value in vars(practice).values() if isinstance(value, Exercise)]
FROM_HERE = re.compile(r"/tmp/|/home/|/root/|/Users/|\b0x[0-9a-f]{6,}|\.venv")


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(OFFLINE)
    return folder


def test_there_are_notebooks_to_look_at():
    assert [path.name[:2] for path in PATHS][:1] == ["00"]


@every_notebook
def test_a_notebook_runs_in_a_clean_kernel_without_network_and_writes_nothing_to_stderr(path, offline):
    outputs = [output for cell in rebuilt(path, offline).cells for output in cell.get("outputs", [])]
    assert outputs
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@every_notebook
def test_the_committed_file_is_what_a_rebuild_writes(path, offline):
    new = rebuilt(path, offline)
    if notebooks.is_pinned():
        assert path.read_text(encoding="utf-8") == notebook_file.text(new), "run `make notebooks` and commit"
    assert notebook_file.sources(notebook_file.read(path)) == notebook_file.sources(new)


@every_notebook
def test_every_cell_was_executed_in_order(path):
    counts = [cell.execution_count for cell in notebook_file.read(path).cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_cells_are_short_and_show_at_most_one_picture(path):
    assert 15 <= len(notebook_file.read(path).cells) <= 32
    for cell in code_cells(path):
        assert cell.source.count("\n") + 1 <= 30, cell.source
        assert sum("image/png" in output.get("data", {}) for output in cell.outputs) <= 1, cell.source


@every_notebook
def test_every_picture_has_its_caption_in_text_below(path):
    for cell in code_cells(path):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert any(text.startswith("*") and len(text) > 60 for output in cell.outputs for text in texts(output))


@every_notebook
def test_what_differs_from_machine_to_machine_is_not_committed(path):
    for cell in code_cells(path):
        if notebook_file.is_tagged(cell, notebook_file.VARIES):
            assert cell.outputs == []
        said = "\n".join(text for output in cell.outputs for text in texts(output))
        assert not FROM_HERE.search(said), said


@every_notebook
def test_exercises_are_committed_as_stubs_and_predictions_unanswered(path):
    stubs = [cell for cell in code_cells(path) if "raise NotImplementedError" in cell.source]
    assert stubs
    for cell in stubs:
        assert any("NOT ATTEMPTED" in text for output in cell.outputs for text in texts(output)), cell.source
    asked = [cell for cell in code_cells(path) if cell.source.startswith(("my_guess", "rows_for"))]
    assert asked
    for cell in asked:
        assert any("not answered yet" in text for output in cell.outputs for text in texts(output)), cell.source


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_misconception_points_at_a_heading_above_its_exercise(exercise):
    path = next(path for path in PATHS if path.name.startswith(exercise.id[:2]))
    before, asked = [], f"**{exercise.title}**"
    for cell in notebook_file.read(path).cells:
        before += [cell.source] if cell.cell_type == "markdown" else []
        if asked in cell.source:
            break
    assert asked in before[-1]
    headings = re.findall(r"^#+ (.*)$", "\n".join(before), re.MULTILINE)
    assert {wrong.see for wrong in exercise.misconceptions if wrong.see} <= set(headings)


def test_notebook_00_answers_wrong_first_then_right():
    said = ["".join(text for output in cell.outputs for text in texts(output)) for cell in code_cells(PATHS[0])]
    wrong = next(place for place, text in enumerate(said) if "you add what CPU and GPU do" in text)
    right = next(place for place, text in enumerate(said) if "Right on all" in text)
    assert wrong < right


@every_notebook
def test_cells_use_only_what_colab_has(path):
    for cell in code_cells(path):
        tree = ast.parse(cell.source, feature_version=(3, 11))  # no magics beyond the install cell
        for node in ast.walk(tree):
            modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {module.split(".")[0] for module in modules} <= ALLOWED, cell.source


@every_notebook
def test_no_cell_names_a_device_so_that_the_same_cells_run_on_both(path):
    for cell in code_cells(path):
        assert not re.search(r"""["']cuda|["']cpu["']|\.cuda\(""", cell.source), cell.source
