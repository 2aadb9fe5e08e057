"""Lab 7 graded by two processes: the same points and sentences as in one, and nothing for whoever cheats."""

import pytest

from tests.autograde.inside.lab07_cheats import CHEATS
from tests.autograde.inside.lab07_runs import answers, graded, lab, of, some, together
from tests.autograde.inside.pair import graded as hand_in

# One hand-in takes seconds: few are made here, all in a soak, and all by `python -m autograde check`.
MUTANTS = some(together(answers().mutants), every=39)
RIGHT = some(together(answers().right), every=6)
NAME_OF = {cheat: name for name, cheat in CHEATS.items()}


def test_the_solution_earns_all_points():
    result = graded({})
    assert (result.status, result.score, [one.message for one in result.exercises]) == ("graded", 28, ["Right."] * 7)


def test_the_release_is_not_attempted():
    result = hand_in(lab(), {})
    assert result.status == "not_attempted"
    assert {one.status for one in result.exercises} == {"not_attempted"}


@pytest.mark.parametrize("wrong", MUTANTS, ids=range(len(MUTANTS)))
def test_wrong_answers_lose_what_they_must_and_are_told_why(wrong):
    result = graded({one.exercise: one.code for one in wrong})
    for one in wrong:
        found = of(result, one.exercise)
        assert found.score <= found.max_score - one.loses, one.name
        assert one.told in found.message, one.name


@pytest.mark.parametrize("right", RIGHT, ids=range(len(RIGHT)))
def test_other_right_answers_lose_nothing(right):
    result = graded({one.exercise: one.code for one in right})
    assert [(one.id, one.message) for one in result.exercises if one.score < one.max_score] == []


@pytest.mark.parametrize("cheats", together(NAME_OF), ids=lambda cheats: ", ".join(NAME_OF[one] for one in cheats))
def test_nothing_is_found_and_nothing_earned_by_one_who(cheats):
    """All other exercises are left as they were handed out: their solutions would cost seconds and show nothing."""
    result = hand_in(lab(), {cheat.exercise: cheat.code for cheat in cheats})
    for cheat in cheats:
        found = of(result, cheat.exercise)
        assert (NAME_OF[cheat], found.score) == (NAME_OF[cheat], 0)
        assert cheat.told in found.message


FORKS = """
def overlapped_engine(config, **settings):
    settings["stream_policy"] = "process"
    return Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)
"""


def test_an_engine_that_would_ask_from_a_forked_worker_costs_its_own_points_alone():
    result = graded({"overlapped_engine": FORKS})
    assert (result.status, result.score) == ("graded", 25)
    assert "by one process alone" in of(result, "overlapped_engine").message
