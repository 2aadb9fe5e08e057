"""Lab 7 as a student meets it: it runs to its end however much is solved, gives nothing away, and tells the truth."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
from random import Random

import nbformat
import pytest

from autograde.build import build
from autograde.release import secret_lines
from mini_lib import withheld
from mini_lib.engine import FutureMap
from mini_lib.labs import lab07 as library
from mini_lib.labs.lab07.desk import Costs
from mini_lib.labs.lab07.loop_run import run_loop
from mini_lib.labs.lab07.map_script import run_script
from mini_lib.labs.lab07.pictures import timeline_of
from mini_lib.labs.lab07.ring_run import CHUNK, run_in_ring
from mini_lib.labs.lab07.ring_workload import ring_table
from mini_lib.learn import judge
from mini_lib.scheduling import event_loop_normal, event_loop_overlap
from tests.labs.cells import ROOT, Cell, exercise_of, run
from tests.labs.test_lab07_answers import EXERCISES

FOLDER = ROOT / "solutions" / "lab07_overlap"
RELEASE = ROOT / "labs" / "lab07_overlap" / "lab07_overlap.ipynb"


@pytest.fixture(scope="session")
def source() -> str:
    return (FOLDER / "lab07_overlap.py").read_text(encoding="utf-8")


@pytest.fixture
def oracle() -> dict:
    namespace: dict = {"__name__": "reference"}
    exec(compile((FOLDER / "reference.py").read_text(encoding="utf-8"), "reference.py", "exec"), namespace)
    return namespace


@pytest.fixture(scope="session")
def release() -> nbformat.NotebookNode:
    return nbformat.read(RELEASE, as_version=4)


@pytest.mark.parametrize("num_solved", range(len(EXERCISES) + 1))
def test_with_the_first_k_tasks_solved_the_notebook_runs_to_its_end(lab07, release, num_solved, tmp_path, monkeypatch):
    monkeypatch.setenv("LAUNCH_BOUND_PREDICTIONS", str(tmp_path / "predictions.json"))
    for module in ("pictures", "showing", "ring_workload"):  # pictures have tests of their own, and take their time
        monkeypatch.setattr(f"mini_lib.labs.lab07.{module}.nobody_looks", lambda: True)
    solved = {exercise.id for exercise in EXERCISES[:num_solved]}
    answers = {cell.grade_id: cell.source for cell in lab07.cells if cell.grade_id in solved}
    namespace: dict = {"__name__": "__main__"}
    states = {}
    for cell in [cell for cell in release.cells if cell.cell_type == "code"][1:]:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        value, _ = run(Cell(grade_id, 0, answers.get(grade_id, cell.source)), namespace)
        if grade_id.startswith("test_"):
            states[grade_id] = value.status
    expected = {name: "right" if exercise_of(Cell(name, 0, "")) in solved else "not attempted" for name in states}
    assert states == expected


def test_the_release_holds_no_line_of_an_answer_or_of_a_hidden_test(lab07, release):
    shown = "\n".join(cell.source for cell in release.cells)
    secret = secret_lines(build(lab07.lab, lab07.lab.seed))
    assert len(secret) > 80
    assert [line for line in secret if line in shown.splitlines()] == []
    assert "oracle" not in shown


def test_no_function_or_class_of_the_library_answers_a_task(lab07):
    """Neither what a lab says to its student nor what is withheld may be handed in as an answer."""
    withheld.begin("lab07")
    names = [found.name for found in pkgutil.iter_modules(library.__path__)]
    rooms = [importlib.import_module(f"{library.__name__}.{name}") for name in names]
    answers = {thing for room in rooms for _, thing in inspect.getmembers(room, callable) if hasattr(thing, "__name__")}
    answers |= {event_loop_normal, event_loop_overlap, FutureMap}
    assert len(answers) > 40
    for exercise in EXERCISES:
        assert [one for one in answers if judge(exercise, one).status == "right"] == []


def test_every_sentence_points_to_a_paragraph_of_the_lab(source):
    told = [idea.see for exercise in EXERCISES for idea in exercise.misconceptions if idea.see]
    missing = {see for see in told if f"**{see}.**" not in source and f"**{see}**" not in source}
    assert missing == set()


def test_the_header_of_each_task_is_the_one_in_the_library(source, lab07):
    for exercise in EXERCISES:
        points = sum(cell.points for cell in lab07.cells if exercise_of(cell) == exercise.id)
        assert exercise.points == points
        hard, worth = ("●" * number + "○" * (5 - number) for number in (exercise.difficulty, exercise.importance))
        told = f"{exercise.minutes} minutes · {exercise.points} points · CPU"
        assert f"# difficulty {hard} · importance {worth} · {told}" in source
        number = exercise.title.split()[0]
        row = next(line for line in source.splitlines() if line.startswith(f"# | {number} |"))
        assert row.endswith(f"| {hard} | {worth} | {exercise.minutes} | {exercise.points} |")


def test_each_task_has_three_hints(lab07):
    assert {len(exercise.hints) for exercise in EXERCISES} == {3}


def test_hidden_tests_overwrite_no_name_that_a_student_might_use(lab07):
    names = set()
    for cell in lab07.cells:
        hidden = re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", cell.source, re.DOTALL)
        for node in ast.parse("\n".join(hidden)).body:
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            elif not isinstance(node, ast.Expr):  # comprehensions keep their names to themselves
                names |= {target.id for target in ast.walk(node) if _is_bound(node, target)}
    assert {name for name in names if not name.startswith("oracle_")} == {"SEED"}


def _is_bound(statement, name):
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", statement)]
    return isinstance(name, ast.Name) and any(name is found for target in targets for found in ast.walk(target))


def test_the_closed_form_is_what_loops_take_on_the_virtual_device(oracle):
    rng = Random(3)
    for _ in range(40):
        steps, costs = rng.randrange(1, 9), Costs(*(float(rng.randrange(10, 900)) for _ in range(3)))
        taken = [
            timeline_of(run_loop(loop, [([1], steps, 0.0)], {}, overlap=overlap, costs=costs)).end_us
            for loop, overlap in ((event_loop_normal, False), (event_loop_overlap, True))
        ]
        assert taken == oracle["oracle_loop_times"](steps, *costs)


def test_the_fewest_steps_are_what_trying_all_small_workloads_finds(oracle):
    kinds = [(CHUNK * pieces, new) for pieces in (1, 2, 4, 5, 6, 7) for new in (1, 2, 3)]
    workloads = [[list(request) for request in some] for some in itertools.product(kinds, repeat=2)]
    workloads += [[[1, 2], list(first), list(second)] for first, second in itertools.product(kinds, repeat=2)]
    for max_num_seqs in (2, 3):
        runs = (run_in_ring(workload, max_num_seqs) for workload in workloads)
        assert min(one.lost.step + 1 for one in runs if one.lost) == oracle["oracle_fewest_steps"](max_num_seqs)


def test_credit_falls_in_a_straight_line_from_all_to_nothing_at_twice_the_steps(oracle):
    credit = oracle["oracle_steps_credit"]
    assert [credit({4: steps})[0] for steps in (5, 10, 40)] == [1, 0, 0]
    assert credit({2: 7, 3: 9})[0] == pytest.approx((1 + 0.5) / 2)


def test_scripts_of_the_oracle_ask_only_for_what_a_ring_remembers(oracle, lab07):
    ring, rng = lab07.solved["RingFutureMap"], Random(9)
    for max_num_seqs in (1, 2, 3, 5):
        for script in (
            oracle["oracle_ring_script"](rng, max_num_seqs, 40),
            oracle["oracle_full_ring"](rng, max_num_seqs),
        ):
            assert run_script(ring, max_num_seqs, script)["told"] == ""


def test_the_librarys_own_map_and_loops_pass_while_no_lab_is_open():
    withheld.begin("")
    assert judge(library.POOL_FUTURE_MAP, FutureMap).status == "right"
    assert judge(library.EVENT_LOOP_NORMAL, event_loop_normal).status == "right"
    assert judge(library.EVENT_LOOP_OVERLAP, event_loop_overlap).status == "right"


def test_the_visible_workloads_have_gaps_and_steps_after_which_nothing_can_be_launched():
    withheld.begin("")
    logs = [run_loop(event_loop_overlap, *case.args, overlap=True)["log"] for case in library.EVENT_LOOP_OVERLAP.cases]
    assert any("wait for arrival" in log for log in logs)
    assert sum("schedule: None" in log for log in logs) >= 3


def test_the_table_of_the_ring_marks_the_place_that_was_overwritten():
    run = run_in_ring([[1, 2], [16, 1], [16, 1], [16, 1]], 4)
    last = ring_table(run, 4).text.splitlines()[-1]
    assert last.startswith("step 4   ✘ ")
    assert "A reads its token: overwritten" in last
