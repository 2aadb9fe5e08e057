"""Labs 1 and 4 through the pair: the solution earns all, the release nothing, every answer what it must."""

import os

import pytest

from autograde.check import packs
from autograde.mutants import load_answers
from tests.autograde.inside import pair

EVERY = 1 if os.environ.get("LAUNCH_BOUND_SOAK") else 12  # `python -m autograde check` hands in all
LABS = ["lab01_launch_model", "lab04_capture_sizes"]


@pytest.fixture(scope="module", params=LABS)
def lab(request):
    import torch._dynamo  # noqa: F401 - a second, once and not per tester

    return pair.named(request.param)


def graded(lab, row):
    result = pair.graded(lab, {**lab.solution, **{one.exercise: one.code for one in row}})
    return {part.id: part for part in result.exercises}


def test_the_solution_earns_all_and_the_release_nothing(lab):
    solved, released = pair.graded(lab, lab.solution), pair.graded(lab, {})
    assert (solved.status, solved.score) == ("graded", solved.max_score)
    assert (released.status, released.score) == ("not_attempted", 0)


def test_a_wrong_answer_is_caught_and_named(lab):
    answers = load_answers(lab.lab.folder / "mutants.py").mutants
    for row in packs(answers, lab.lab.answers_together)[::EVERY]:
        parts = graded(lab, row)
        for one in row:
            part = parts[one.exercise]
            assert part.max_score - part.score >= one.loses and one.told in part.message, (one.name, part)


def test_a_right_answer_keeps_all_its_points(lab):
    answers = load_answers(lab.lab.folder / "mutants.py").right
    for row in packs(answers, lab.lab.answers_together)[::EVERY]:
        parts = graded(lab, row)
        assert all(part.status == "right" for part in parts.values()), (row, parts)


def test_a_known_wrong_idea_is_named():
    lab = pair.named("lab04_capture_sizes")
    answer = "def size_for(num_tokens, sizes):\n    return next((s for s in sizes if s > num_tokens), None)"
    part = next(p for p in pair.graded(lab, {"size_for": answer}).exercises if p.id == "size_for")
    assert part.misconception and part.status == "wrong"
