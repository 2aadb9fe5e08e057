"""Lab 7's tests are good: wrong answers lose and are told why, right ones lose nothing, the stub is not attempted."""

import os
import subprocess
import sys

import pytest

from mini_lib import withheld
from mini_lib.labs import lab07 as library
from mini_lib.learn import judge
from tests.labs.cells import LabNotebook, exercise_of, graded, run, sentence

pytestmark = pytest.mark.usefixtures("in_grader")

ANSWERS = LabNotebook("lab07").answers
EXERCISES = (
    library.EVENT_LOOP_NORMAL,
    library.EVENT_LOOP_OVERLAP,
    library.RING_FUTURE_MAP,
    library.CORRUPTING_WORKLOAD,
    library.POOL_FUTURE_MAP,
    library.OVERLAPPED_ENGINE,
    library.LOOP_TIMES,
)
NAMES = {"ring_future_map": "RingFutureMap", "pool_future_map": "PoolFutureMap"}  # of what a cell defines, if another
STUB = "def {name}(*args, **kwargs):\n    raise NotImplementedError()"


@pytest.fixture(autouse=True)
def _open_lab(lab07):
    lab07.solved  # noqa: B018 - runs the solution once, which opens the lab
    withheld.begin("lab07")


def name_of(exercise_id: str) -> str:
    """Return the name of the function or class that the answer to an exercise defines."""
    return NAMES.get(exercise_id, exercise_id)


def test_the_solution_earns_all_points(lab07):
    tests = [cell for cell in lab07.cells if exercise_of(cell)]
    earned = {cell.grade_id: graded(cell, dict(lab07.solved)).score for cell in tests}
    assert earned == {cell.grade_id: cell.points for cell in tests}
    assert sum(earned.values()) == 28


@pytest.mark.parametrize("mutant", ANSWERS.mutants, ids=lambda mutant: mutant.name)
def test_a_wrong_answer_loses_points_and_is_told_why(lab07, mutant):
    parts = lab07.grade(mutant.exercise, mutant.code)
    points = sum(cell.points for cell in lab07.cells if exercise_of(cell) == mutant.exercise)
    assert points - sum(part.score for part in parts) >= mutant.loses
    assert mutant.told in sentence(parts)


@pytest.mark.parametrize("answer", ANSWERS.right, ids=lambda answer: answer.name)
def test_a_right_answer_that_is_written_differently_loses_nothing(lab07, answer):
    parts = lab07.grade(answer.exercise, answer.code)
    assert [part.sentence for part in parts] == [""] * len(parts)


def test_there_are_at_least_as_many_wrong_and_right_answers_as_the_lab_promises():
    assert len(ANSWERS.mutants) >= 40
    assert len(ANSWERS.right) >= 4


def test_an_unwritten_answer_is_not_attempted(lab07):
    for exercise in EXERCISES:
        parts = lab07.grade(exercise.id, STUB.format(name=name_of(exercise.id)))
        assert all(part.score == 0 and part.sentence.startswith("NotAttempted: ") for part in parts), exercise.id


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_misspelled_name_is_told_as_what_it_is_and_not_as_a_wrong_idea(exercise):
    def misspelled(*args, **kwargs):
        return lenght(args)  # noqa: F821

    assert "NameError: name 'lenght' is not defined" in judge(exercise, misspelled).sentence


def test_another_seed_draws_other_instances_and_still_knows_right_from_wrong(lab07):
    mine = f"SEED = {lab07.lab.seed}\n"
    tests = [
        cell._replace(source=cell.source.replace(mine, "SEED = 987654\n")) for cell in lab07.cells if exercise_of(cell)
    ]
    assert all(graded(cell, dict(lab07.solved)).sentence == "" for cell in tests)


def test_every_wrong_idea_that_has_a_name_is_had_by_some_wrong_answer(lab07):
    shared = {"event_loop_normal": "event_loop_overlap", "ring_future_map": "pool_future_map"}
    wanted = {exercise.id: {idea.name for idea in exercise.misconceptions} for exercise in EXERCISES}
    for mutant in ANSWERS.mutants:
        if not wanted[mutant.exercise]:
            continue
        namespace = dict(lab07.solved)
        run(lab07.cells[0]._replace(source=mutant.code), namespace)
        exercise = next(one for one in EXERCISES if one.id == mutant.exercise)
        wanted[exercise.id].discard(judge(exercise, namespace[name_of(exercise.id)]).misconception)
    for first, second in shared.items():  # they share many of their wrong ideas
        unhad = wanted[first], wanted[second]
        wanted[first] = unhad[0] - (_ideas(second) - unhad[1])
        wanted[second] = unhad[1] - (_ideas(first) - unhad[0])
    assert {exercise: names for exercise, names in wanted.items() if names} == {}


def _ideas(exercise_id):
    return {idea.name for exercise in EXERCISES if exercise.id == exercise_id for idea in exercise.misconceptions}


def test_in_the_grader_a_new_process_does_not_get_the_librarys_answer_either(lab07):
    code = "from mini_lib.scheduling import event_loop_overlap\nevent_loop_overlap(None, None)"
    environment = {**os.environ, **lab07.lab.environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "withheld in lab 7: write your own" in done.stderr
