"""Lab 4's tests are good: wrong answers lose and are told why, right ones lose nothing, the stub is not attempted."""

import os
import subprocess
import sys

import pytest

from mini_lib import withheld
from mini_lib.labs import lab04 as library
from mini_lib.learn import Case, judge
from tests.labs.cells import LabNotebook, exercise_of, graded, run, sentence

pytestmark = pytest.mark.usefixtures("in_grader")

ANSWERS = LabNotebook("lab04").answers
EXERCISES = (
    library.DEFAULT_SIZES,
    library.SIZE_FOR,
    library.PADDING_WASTE,
    library.PAD_BATCH,
    library.BEST_SIZES,
    library.BREAK_EVEN,
)


@pytest.fixture(autouse=True)
def _open_lab(lab04):
    lab04.solved  # noqa: B018 - runs the solution once, which opens the lab
    withheld.begin("lab04")


def test_the_solution_earns_all_twenty_points(lab04):
    tests = [cell for cell in lab04.cells if exercise_of(cell)]
    earned = {cell.grade_id: graded(cell, dict(lab04.solved)).score for cell in tests}
    assert earned == {cell.grade_id: cell.points for cell in tests}
    assert sum(earned.values()) == 20


@pytest.mark.parametrize("mutant", ANSWERS.mutants, ids=lambda mutant: mutant.name)
def test_a_wrong_answer_loses_points_and_is_told_why(lab04, mutant):
    parts = lab04.grade(mutant.exercise, mutant.code)
    points = sum(cell.points for cell in lab04.cells if exercise_of(cell) == mutant.exercise)
    assert points - sum(part.score for part in parts) >= mutant.loses
    assert mutant.told in sentence(parts)


@pytest.mark.parametrize("answer", ANSWERS.right, ids=lambda answer: answer.name)
def test_a_right_answer_that_is_written_differently_loses_nothing(lab04, answer):
    parts = lab04.grade(answer.exercise, answer.code)
    assert [part.sentence for part in parts] == [""] * len(parts)


def test_an_unwritten_answer_is_not_attempted(lab04):
    for exercise in EXERCISES:
        parts = lab04.grade(exercise.id, f"def {exercise.id}(*args):\n    raise NotImplementedError()")
        assert all(part.score == 0 and part.sentence.startswith("NotAttempted: ") for part in parts), exercise.id


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_misspelled_name_is_told_as_what_it_is_and_not_as_a_wrong_idea(exercise):
    def misspelled(*args):
        return lenght(args)  # noqa: F821

    assert "NameError: name 'lenght' is not defined" in judge(exercise, misspelled).sentence


def test_in_the_grader_a_new_process_does_not_get_the_librarys_answer_either(lab04):
    code = "from mini_lib.dispatch import CaptureSizes\nprint(CaptureSizes([1, 8]).pad(5))"
    environment = {**os.environ, **lab04.lab.environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert "withheld in lab 4: write your own" in done.stderr


def test_another_seed_draws_other_instances_and_still_knows_right_from_wrong(lab04):
    mine = f"SEED = {lab04.lab.seed}\n"
    cells = [cell for cell in lab04.cells if exercise_of(cell)]
    tests = [cell._replace(source=cell.source.replace(mine, "SEED = 987654\n")) for cell in cells]
    assert all("SEED = 987654" in cell.source for cell in tests)
    assert all(graded(cell, dict(lab04.solved)).sentence == "" for cell in tests)
    greedy = next(mutant for mutant in ANSWERS.mutants if mutant.name == "best_sizes: greedy")
    namespace = dict(lab04.solved)
    run(lab04.cells[0]._replace(source=greedy.code), namespace)
    gap = next(cell for cell in tests if cell.grade_id == "test_best_sizes__gap")
    assert graded(gap, namespace).score < gap.points


def test_every_wrong_idea_that_has_a_name_is_had_by_some_wrong_answer(lab04):
    for exercise in EXERCISES:
        codes = [mutant.code for mutant in ANSWERS.mutants if mutant.exercise == exercise.id]
        had = set()
        for code in codes:
            namespace = dict(lab04.solved)
            run(lab04.cells[0]._replace(source=code), namespace)
            hidden = _beyond_the_ceiling() if exercise.id == "default_sizes" else ()
            had.add(judge(exercise, namespace[exercise.id], hidden).misconception)
        assert {idea.name for idea in exercise.misconceptions} <= had, exercise.id


def _beyond_the_ceiling():
    """Return the hidden case that one wrong idea about explicit maxima needs to show."""
    return (Case((256, 8192, 544), [1, 2, 4, *range(8, 256, 8), *range(256, 545, 16)]),)
