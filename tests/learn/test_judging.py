"""Whatever a student's function does, the judge says one sentence about it and raises nothing."""

import sys

import numpy as np
import pytest

from mini_lib import withheld
from mini_lib.learn import Case, Exercise, Misconception, answers, judge
from tests.learn.exercises import LOOKUP, SIZES, right


def test_a_stub_is_not_attempted_and_is_told_what_is_wanted():
    def stub(sizes, num_tokens):
        raise NotImplementedError

    verdict = judge(LOOKUP, stub)
    assert verdict.status == "not attempted"
    assert verdict.sentence == (
        "Task 1 is still the stub. It wants one integer back: the smallest size that holds num_tokens, or None."
    )


def test_a_stub_that_calls_another_stub_is_not_attempted_either():
    def helper():
        raise NotImplementedError("mine")

    assert judge(LOOKUP, lambda sizes, num_tokens: helper()).status == "not attempted"


def test_dots_in_place_of_a_function_are_not_attempted():
    assert judge(LOOKUP, ...).status == "not attempted"


def test_a_number_in_place_of_a_function_is_wrong():
    assert judge(LOOKUP, 8).sentence == "Task 1 wants a function; you handed in 8."


def test_a_stub_left_in_a_later_branch_is_wrong_not_untried():
    def half_done(sizes, num_tokens):
        if num_tokens > max(sizes):
            raise NotImplementedError
        return right(sizes, num_tokens)

    verdict = judge(LOOKUP, half_done)
    assert verdict.status == "wrong"
    assert verdict.case == LOOKUP.cases[3]


def test_a_right_answer_is_told_the_idea_in_words():
    verdict = judge(LOOKUP, right)
    assert verdict.status == "right"
    assert verdict.sentence == (
        "Right on all 4 visible cases. In words: a batch rides in a graph at least as wide as itself."
    )


def test_a_known_wrong_idea_is_named_and_pointed_at_what_taught_it():
    verdict = judge(LOOKUP, lambda sizes, num_tokens: max(s for s in sizes if s <= num_tokens))
    assert (verdict.status, verdict.misconception) == ("wrong", "rounds down")
    assert verdict.sentence.endswith("You round down. See 'Padding goes up' above.")


def test_a_known_wrong_idea_may_be_an_exception():
    verdict = judge(LOOKUP, lambda sizes, num_tokens: [s for s in sizes if s >= num_tokens][0])  # noqa: RUF015
    assert verdict.misconception == "falls off the end"


def test_an_unknown_wrong_answer_is_shown_beside_the_right_one():
    verdict = judge(LOOKUP, lambda sizes, num_tokens: 77)
    assert verdict.misconception is None
    assert verdict.sentence == "For sizes [1, 2, 4, 8], num_tokens 5 the answer is 8, yours is 77."


def test_an_exercise_may_word_its_unknown_wrong_answers():
    exercise = Exercise("a", "A", "b", (Case((3,), 4),), differs=lambda outcome: f"{outcome.value} rows too many.")
    assert judge(exercise, lambda n: 9).sentence == "9 rows too many."


def test_an_exception_becomes_a_sentence_with_the_call():
    verdict = judge(LOOKUP, lambda sizes, num_tokens: 1 // 0)
    assert verdict.sentence.startswith("Your function raised ZeroDivisionError: ")
    assert verdict.sentence.endswith(" for sizes [1, 2, 4, 8], num_tokens 5.")


class Unprintable(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("error", [SystemExit(3), Unprintable(), KeyboardInterrupt(), RecursionError()])
def test_no_exception_of_a_student_leaves_the_judge(error):
    def fn(sizes, num_tokens):
        raise error

    assert judge(LOOKUP, fn).status == "wrong"


def test_endless_recursion_is_a_sentence():
    def fn(sizes, num_tokens):
        return fn(sizes, num_tokens)

    before = sys.getrecursionlimit()
    assert "RecursionError" in judge(LOOKUP, fn).sentence
    assert sys.getrecursionlimit() == before


def test_a_stopped_loop_is_asked_about_and_the_other_cases_are_not_run():
    calls = []

    def fn(sizes, num_tokens):
        calls.append(num_tokens)
        raise KeyboardInterrupt

    assert "still running when it was stopped" in judge(LOOKUP, fn).sentence
    assert calls == [5]


def test_a_function_of_the_wrong_signature_is_told_so():
    assert "TypeError" in judge(LOOKUP, lambda: 3).sentence


def test_a_float_that_became_a_huge_number_was_changed():
    def greedy(costs):
        costs[0] = 10**400
        return 1

    verdict = judge(Exercise("cost", "Cost", "it", (Case(([0.5],), 1),)), greedy)
    assert verdict.sentence.startswith("Your function changed costs")


def test_a_refusal_of_a_students_own_that_says_nothing_is_an_exception_like_any_other():
    class Withheld(RuntimeError):
        pass

    def refuses(sizes, num_tokens):
        raise Withheld

    assert judge(LOOKUP, refuses).sentence.startswith("Your function raised Withheld for sizes")


def test_a_missing_return_is_asked_about():
    assert judge(LOOKUP, lambda sizes, num_tokens: None).sentence.endswith("is a `return` missing?")


@pytest.mark.parametrize("left", [[], [object()], [1, 2, 4, 10**400]])
def test_a_changed_argument_is_wrong_even_when_the_answer_is_right(left):
    def greedy(sizes, num_tokens):
        answer = right(sizes, num_tokens)
        sizes[:] = left
        return answer

    verdict = judge(LOOKUP, greedy)
    assert verdict.status == "wrong"
    assert verdict.sentence.startswith("Your function changed sizes for sizes [1, 2, 4, 8], num_tokens 5.")
    assert SIZES == [1, 2, 4, 8]  # the exercise's own list is untouched


def test_an_answer_of_numpy_integers_is_as_good_as_python_ones():
    def fn(sizes, num_tokens):
        found = right(sizes, num_tokens)
        return None if found is None else np.int64(found)

    assert judge(LOOKUP, fn).status == "right"


class SaysYes:
    def __eq__(self, other):
        return True

    __hash__ = None


def test_an_object_that_equals_everything_is_not_an_answer():
    verdict = judge(LOOKUP, lambda sizes, num_tokens: SaysYes())
    assert verdict.sentence.startswith("Your function gave back a SaysYes, which is not plain data, for sizes")


def test_more_cases_are_tried_after_the_visible_ones():
    remembers = {(case.args[1]): case.expected for case in LOOKUP.cases}
    verdict = judge(LOOKUP, lambda sizes, num_tokens: remembers.get(num_tokens, 3), [Case(([3, 6], 7), None)])
    assert verdict.sentence == "For sizes [3, 6], num_tokens 7 the answer is None, yours is 3."
    assert judge(LOOKUP, right, [Case(([3, 6], 5), 6)]).sentence.startswith("Right on all 5 cases.")


def test_what_stumbles_over_an_odd_answer_does_not_stop_the_judge():
    odd = Misconception("odd", "odd", lambda outcomes: outcomes[0].value[5] == 3)
    exercise = Exercise(
        "a", "A", "b", (Case((3,), [7, 7, 7, 7, 7, 7]),), (odd,), agrees=lambda yours, expected: yours[5] == expected[5]
    )
    assert judge(exercise, lambda n: 9).status == "wrong"


def test_calling_what_the_lab_withholds_tells_the_rule():
    def fn(sizes, num_tokens):
        raise withheld.Withheld("withheld in lab 4: write your own.")

    assert judge(LOOKUP, fn).sentence == "Withheld in lab 4: write your own."


def test_an_exercise_without_cases_is_refused():
    with pytest.raises(ValueError, match="has no case"):
        Exercise("a", "A", "b", ())


def test_a_misconception_that_recognises_the_right_answer_is_refused():
    blind = Misconception("blind", "blind", answers({0: 8}))
    with pytest.raises(ValueError, match="'blind' of exercise 'a' recognises the right answers"):
        Exercise("a", "A", "b", (Case((5,), 8),), (blind,))


def test_an_exercise_may_say_how_its_answer_is_called():
    class Counter:
        def __init__(self):
            self.count = 0

        def up(self):
            self.count += 1
            return self.count

    def last_of(make, num_calls):
        counter = make()
        return [counter.up() for _ in range(num_calls)][-1]

    exercise = Exercise("counter", "Task 9", "a class that counts", (Case((3,), 3), Case((5,), 5)), drive=last_of)
    assert judge(exercise, Counter).status == "right"
    assert judge(exercise, lambda: None).status == "wrong"


def test_a_wrong_idea_may_word_its_sentence_by_what_it_saw():
    def too_many(outcomes):
        return f"{outcomes[0].value} is too many."

    idea = Misconception("too many", too_many, answers({0: 9}), see="Counting")
    exercise = Exercise("count", "Task 10", "a number", (Case((), 8),), (idea,))
    assert judge(exercise, lambda: 9).sentence == "9 is too many. See 'Counting' above."
