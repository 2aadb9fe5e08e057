"""Lab 4 as a student meets it: it runs to its end however much is solved, gives nothing away, and tells the truth."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from random import Random

import nbformat
import pytest

from autograde.release import secret_lines
from mini_lib import default_capture_sizes, withheld
from mini_lib.labs import lab04 as library
from mini_lib.labs.lab04 import ladders_shown
from mini_lib.learn import judge
from tests.labs.cells import ROOT, Cell, exercise_of, run
from tests.labs.test_lab04_answers import EXERCISES

FOLDER = ROOT / "solutions" / "lab04_capture_sizes"
RELEASE = ROOT / "labs" / "lab04_capture_sizes" / "lab04_capture_sizes.ipynb"


@pytest.fixture(scope="session")
def source() -> str:
    return (FOLDER / "lab04_capture_sizes.py").read_text(encoding="utf-8")


@pytest.fixture
def oracle() -> dict:
    namespace: dict = {"__name__": "reference"}
    exec(compile((FOLDER / "reference.py").read_text(encoding="utf-8"), "reference.py", "exec"), namespace)
    return namespace


@pytest.fixture(scope="session")
def release() -> nbformat.NotebookNode:
    return nbformat.read(RELEASE, as_version=4)


@pytest.mark.parametrize("num_solved", range(len(EXERCISES) + 1))
def test_with_the_first_k_tasks_solved_the_notebook_runs_to_its_end(lab04, release, num_solved, tmp_path, monkeypatch):
    monkeypatch.setenv("LAUNCH_BOUND_PREDICTIONS", str(tmp_path / "predictions.json"))
    solved = {exercise.id for exercise in EXERCISES[:num_solved]}
    answers = {cell.grade_id: cell.source for cell in lab04.cells if cell.grade_id in solved}
    namespace: dict = {"__name__": "__main__"}
    states = {}
    for cell in [cell for cell in release.cells if cell.cell_type == "code"][1:]:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        value, _ = run(Cell(grade_id, 0, answers.get(grade_id, cell.source)), namespace)
        if grade_id.startswith("test_"):
            states[grade_id] = value.status
    expected = {name: "right" if exercise_of(Cell(name, 0, "")) in solved else "not attempted" for name in states}
    assert states == expected


def test_the_release_holds_no_line_of_an_answer_or_of_a_hidden_test(lab04, release):
    shown = "\n".join(cell.source for cell in release.cells)
    from autograde.build import build

    secret = secret_lines(build(lab04.lab, lab04.lab.seed))
    assert len(secret) > 100
    assert [line for line in secret if line in shown.splitlines()] == []
    assert "oracle" not in shown


def test_no_function_of_the_library_answers_a_task(lab04):
    """Neither what a lab says to its student nor what is withheld may be handed in as an answer."""
    withheld.begin("lab04")
    names = [found.name for found in pkgutil.iter_modules(library.__path__)]
    rooms = [importlib.import_module(f"{library.__name__}.{name}") for name in names]
    functions = {fn for room in rooms for _, fn in inspect.getmembers(room, inspect.isfunction)}
    functions |= {default_capture_sizes}
    assert len(functions) > 20
    for exercise in EXERCISES:
        assert [fn for fn in functions if judge(exercise, fn).status == "right"] == []


def test_every_sentence_points_to_a_paragraph_of_the_lab(source):
    told = [idea.see for exercise in EXERCISES for idea in exercise.misconceptions if idea.see]
    missing = {see for see in told if f"**{see}.**" not in source and f"**{see}**" not in source}
    assert missing == set()


def test_the_header_of_each_task_is_the_one_in_the_library(source, lab04):
    for exercise in EXERCISES:
        points = sum(cell.points for cell in lab04.cells if exercise_of(cell) == exercise.id)
        assert exercise.points == points
        hard, worth = ("●" * number + "○" * (5 - number) for number in (exercise.difficulty, exercise.importance))
        told = f"{exercise.minutes} minutes · {exercise.points} points · CPU"
        assert f"# ### {exercise.title}\n# difficulty {hard} · importance {worth} · {told}" in source


def test_each_task_has_three_hints(lab04):
    assert {len(exercise.hints) for exercise in EXERCISES} == {3}


def test_hidden_tests_overwrite_no_name_that_a_student_might_use(lab04, oracle):
    names = set()
    for cell in lab04.cells:
        hidden = re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", cell.source, re.DOTALL)
        for node in ast.parse("\n".join(hidden)).body:
            names |= {node.name} if isinstance(node, ast.FunctionDef) else set(_assigned(node))
    local = {"_", "args", "runs", "num_tokens", "sizes", "size", "by", "histogram", "batch", "num_rows", "o"}
    assert {name for name in names - local if not name.startswith("oracle_")} == {"SEED"}


def _assigned(statement):
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return (node.id for node in names if isinstance(node.ctx, ast.Store))


def test_the_oracle_knows_every_row_of_production(oracle):
    facts = json.loads((ROOT / "tests" / "data" / "capture_sizes_vllm.json").read_text(encoding="utf-8"))
    rows = {(int(seqs), 8192, None): sizes for seqs, sizes in facts["default_by_max_num_seqs"].items()}
    explicit = facts["explicit_max_capture_size__max_num_seqs_256"]
    rows |= {(256, 8192, int(largest)): sizes for largest, sizes in explicit.items()}
    for limits, sizes in facts["small_max_num_batched_tokens"].items():
        seqs, tokens = map(int, limits.split("/"))
        rows[seqs, tokens, None] = sizes
    assert [args for args, sizes in rows.items() if oracle["oracle_default_sizes"](*args) != sizes] == []
    for args, runs in oracle["oracle_production_rows"]():
        assert rows[oracle["oracle_arguments"](args)] == oracle["oracle_spelled_out"](runs)


def test_the_oracle_and_the_library_agree_on_a_thousand_ladders(oracle):
    for seqs, tokens, explicit in oracle["oracle_configurations"](Random(5), 1000):
        ladder = default_capture_sizes(
            max_num_seqs=seqs, max_num_batched_tokens=tokens, max_cudagraph_capture_size=explicit
        )
        assert oracle["oracle_default_sizes"](seqs, tokens, explicit) == ladder


def test_the_known_optimum_is_what_trying_all_ladders_finds(oracle):
    rng = Random(6)
    for num_graphs in (1, 2, 3, 4, 5, 7, 9) * 5:
        traffic = oracle["oracle_histogram"](rng, 7, 30)
        best = oracle["oracle_best_ladders"](traffic, num_graphs)
        assert oracle["oracle_padded_rows"](best[0], traffic) == oracle["oracle_least_rows"](traffic, num_graphs)


def test_the_numbers_that_the_lab_shows_are_true(oracle):
    for num_graphs, rows in ladders_shown.LEAST_PADDED_ROWS.items():
        assert oracle["oracle_least_rows"](library.TRAFFIC, num_graphs) == rows
    assert oracle["oracle_padded_rows"](library.EIGHT_SIZES, library.TRAFFIC) == ladders_shown.LEAST_PADDED_ROWS[8]
    assert default_capture_sizes(max_num_seqs=256) == library.VLLM_SIZES
    for case in library.BREAK_EVEN.cases:
        assert oracle["oracle_break_even"](*case.args) == case.expected


def test_credit_falls_in_a_straight_line_from_all_to_nothing_at_ten_per_cent(oracle):
    traffic = {4: 100, 5: 7, 10: 1}  # with two sizes [4, 10] pads 35 rows; [5, 10] pads 100

    def share(num_padded):
        oracle["oracle_padded_rows"] = lambda ladder, histogram: num_padded
        return oracle["oracle_credit"]([([4, 10], traffic, 2)])[0]

    assert share(35) == 1
    assert share(35 * 1.05) == pytest.approx(0.5)
    assert share(35 * 1.1) == pytest.approx(0)
    assert share(35 * 3) == 0
