"""What `check` hands in at once: answers that know nothing of one another, and no others."""

from autograde.check import packs
from autograde.mutants import Mutant, RightAnswer

ANSWERS = [
    Mutant("a1", "a", 1, "", ""),
    Mutant("a2", "a", 1, "", ""),
    Mutant("b1", "b", 1, "", ""),
    Mutant("c1", "c", 1, "", ""),
    RightAnswer("a3", "a", ""),
    RightAnswer("b2", "b", ""),
]


def names(together):
    return [[one.name for one in pack] for pack in packs(ANSWERS, together)]


def test_without_a_word_of_the_lab_each_answer_is_handed_in_alone():
    assert names(()) == [["a1"], ["a2"], ["b1"], ["c1"], ["a3"], ["b2"]]


def test_one_submission_holds_at_most_one_answer_to_an_exercise_and_every_answer_is_handed_in_once():
    assert names(("a", "b")) == [["a1", "b1"], ["a2", "b2"], ["a3"], ["c1"]]


def test_an_exercise_that_needs_the_others_right_is_alone():
    assert ["c1"] in names(("b", "a"))
