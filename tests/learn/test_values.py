"""Answers are compared as plain data, so an object cannot talk its way to a right answer."""

import math

import numpy as np
import pytest
import torch

from mini_lib.learn import NotPlain, difference, plain, same, shown


class SaysYes:
    def __eq__(self, other):
        return True

    __hash__ = None


class YesList(list):
    def __eq__(self, other):
        return True

    __hash__ = None


class YesInt(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 7


class YesText(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 7


@pytest.mark.parametrize(
    ("value", "rebuilt"),
    [
        ((3, (4, "x")), [3, [4, "x"]]),
        (np.int32(8), 8),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        ({np.int64(3): (1,)}, {3: [1]}),
        (YesInt(5), 5),
        (YesText("five"), "five"),
        (YesList([6]), [6]),
    ],
)
def test_what_stands_for_plain_data_becomes_plain_data(value, rebuilt):
    result = plain(value)
    assert (type(result), repr(result)) == (type(rebuilt), repr(rebuilt))


def test_dots_in_an_answer_are_called_what_they_are():
    with pytest.raises(NotPlain, match="still to be filled in"):
        plain({"FULL": ("FULL", ...)})


@pytest.mark.parametrize("value", [torch.tensor(3), np.arange(3), range(3), {3, 4}, SaysYes(), iter([3]), 3j])
def test_what_is_not_plain_data_is_refused_by_type(value):
    with pytest.raises(NotPlain, match=type(value).__name__):
        plain(value)


def test_a_list_that_holds_itself_is_refused_and_does_not_hang():
    knot = [3]
    knot.append(knot)
    with pytest.raises(NotPlain, match="holds itself"):
        plain(knot)


@pytest.mark.parametrize(
    ("yours", "expected"),
    [(True, 1), (1, True), (8.0, 8), ([3], [3, 4]), ({3: 4}, {3: 5}), ({3: 4}, {}), ("3", 3), (None, 0), (True, 1.0)],
)
def test_values_of_another_shape_are_not_the_same(yours, expected):
    assert not same(yours, expected)


def test_a_lying_integer_is_only_the_number_that_it_holds():
    assert YesInt(5) == 6
    assert not same(plain(YesInt(5)), 6)


def test_two_ways_of_summing_agree_and_a_real_difference_does_not():
    assert same(0.1 + 0.2, 0.3)
    assert same(2, 2.0)
    assert same(math.nan, math.nan)
    assert not same(0.3001, 0.3)


def test_a_sentence_carries_the_ends_of_a_long_list_and_its_length():
    assert shown(list(range(3, 54))) == "[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ..., 53] (51 values)"


def test_a_long_wrong_list_is_told_where_it_parts_from_the_answer():
    answer = list(range(3, 33))
    assert "position 20: 23 in the answer, 99 in yours" in difference([*answer[:20], 99, *answer[21:]], answer)
    assert "first 25 values" in difference(answer[:25], answer)
    assert difference([3], [4]) == ""
