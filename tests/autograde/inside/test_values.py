"""What crosses arrives as what it was; what pretends to be something arrives as what it is, or is refused."""

import inspect
import json
import math
import sys
from collections import OrderedDict, namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from autograde.inside.mirrors import describe, mirror
from autograde.inside.values import MAX_BITS, MAX_CHARACTERS, MAX_VALUES, Border
from mini_lib.learn import NotPlain, plain


def border():
    return Border(describe, lambda handle: mirror(handle, lambda *asked: asked))


def crossed(value):
    return border().decode(json.loads(json.dumps(border().encode(value))))


DATA = [
    None, True, False, 0, -1, 2**63 - 1, 2**63, -(2**63), 10**3000, 0.1, -0.0, 1e308, "", "ü", "\ud800", "\x00",
    [], [1, 2.5, None], [[1], [2]], (), (1, (2, [3])), {}, {"a": 1}, {1: 2, (1, 2): [3], None: 0.5, 0.5: 1},
    {1, 2}, frozenset({1}), b"\x00\xff", 1 + 2j, ..., [True, 1, 1.0], {"t": [1]}, {"d": {"mine": 3}},
]  # fmt: skip


def twin(value):
    """Return a value with the types of all its parts, so that True is not 1."""
    if isinstance(value, dict):
        return [(twin(key), twin(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value)(map(twin, value))
    return type(value), value


@pytest.mark.parametrize("value", DATA, ids=lambda value: repr(value)[:30].encode("ascii", "replace").decode())
def test_plain_data_arrives_as_it_was(value):
    assert twin(crossed(value)) == twin(value)


def test_numbers_that_are_none_arrive():
    found = crossed([math.nan, math.inf, -math.inf, -0.0])
    assert math.isnan(found[0]) and found[1:3] == [math.inf, -math.inf]
    assert math.copysign(1, found[3]) == -1


def test_a_subclass_arrives_as_its_base():
    class Yes(list):
        __eq__ = lambda self, other: True  # noqa: E731
        __iter__ = lambda self: iter([42])  # noqa: E731

    point = namedtuple("point", "x y")
    for value, base in [(Yes([1]), [1]), (point(1, 2), (1, 2)), (OrderedDict(a=1), {"a": 1}), (np.str_("a"), "a")]:
        assert twin(crossed(value)) == twin(base)


@pytest.mark.parametrize("value", [np.int64(3), np.float32(0.5), np.bool_(True), Fraction(1, 2), Decimal("0.5")])
def test_a_number_of_another_kind_arrives_as_plain_makes_it(value):
    try:
        expected = plain(value)
    except NotPlain as refusal:
        with pytest.raises(NotPlain, match=str(refusal)):
            plain(crossed(value))
    else:
        assert twin(crossed(value)) == twin(expected)


class Own:
    def tell(self):
        return 1


NOT_PLAIN = [np.arange(3), (n for n in [1]), range(3), {1}, b"a", 1j, Own(), iter([1]), object(), ..., Own, len]


@pytest.mark.parametrize("value", NOT_PLAIN, ids=lambda value: type(value).__name__)
def test_what_is_not_plain_is_refused_over_there_in_the_same_words(value):
    with pytest.raises(NotPlain) as here:
        plain(value)
    with pytest.raises(NotPlain) as there:
        plain(crossed(value))
    words = str(here.value).replace("builtin_function_or_method", "function").replace("a type,", "a function,")
    assert str(there.value) == words


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def holds_itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize("make", [lambda: nested(100_000), holds_itself, lambda: nested(400)])
def test_what_has_no_end_is_refused_as_plain_refuses_it(make):
    with pytest.raises(NotPlain, match="a list that holds itself, or is nested too deeply"):
        crossed(make())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: "x" * (MAX_CHARACTERS + 1), "characters"),
        (lambda: ["x" * 1_000_000] * 5, "characters"),
        (lambda: b"x" * (MAX_CHARACTERS + 1), "characters"),
        (lambda: [0] * (MAX_VALUES + 1), "values"),
        (lambda: dict.fromkeys(range(1_000_000)), "values"),
        (lambda: [[[0] * 1000] * 100] * 100, "values"),
        (lambda: 1 << (MAX_BITS + 1), "digits"),
    ],
)
def test_too_much_is_refused_with_the_number(make, told):
    with pytest.raises(NotPlain, match=told):
        crossed(make())


FORGED = [
    {"t": 7}, {"t": {"t": 1}}, {"d": [[1]]}, {"d": [[[1], 2]]}, {"d": {"a": 1}}, {"i": 7}, {"i": "zz"}, {"c": []},
    {"b": "ü\u1234"}, {"s": [[1]]}, {}, {"t": [], "d": []}, {"unknown": 1}, {"yours": 1}, {"yours": -1},
    {"yours": True}, {"yours": "a"}, {"mine": 3}, {"mine": {}},
    {"mine": {"number": "1", "kind": "object", "name": "x", "methods": []}},
    {"mine": {"number": 1, "kind": "gift", "name": "x", "methods": []}},
    {"mine": {"number": 1, "kind": "object", "name": "x", "methods": "all"}},
]  # fmt: skip


@pytest.mark.parametrize("found", FORGED, ids=str)
def test_what_encode_never_writes_is_no_value(found):
    with pytest.raises(ValueError):
        border().decode(found)


def test_a_value_that_is_nested_too_deeply_is_not_read():
    with pytest.raises(ValueError):
        border().decode(json.loads("[" * 500 + "]" * 500))


def test_a_handle_goes_home_as_the_object_itself():
    here, there = border(), border()
    mine = Own()
    far = there.decode(here.encode(mine))
    assert type(far).__name__ == "Own" and far is not mine
    assert here.decode(there.encode(far)) is mine
    assert there.decode(here.encode(mine)) is far


def test_a_function_keeps_its_name_and_the_names_of_its_arguments():
    far = crossed(lambda sizes, num_tokens=3, *more, key, **rest: None)
    assert callable(far) and far.__name__ == "<lambda>"
    assert list(inspect.signature(far).parameters) == ["sizes", "num_tokens", "more", "key", "rest"]


def test_a_mirror_hands_on_public_methods_and_no_other():
    class Odd:
        def visible(self): ...
        def _hidden(self): ...
        def __eq__(self, other):
            return True

        def __reduce__(self):
            raise AssertionError

    far = crossed(Odd())
    assert far.visible(1)[1:] == ("visible", (1,), {})
    assert not hasattr(far, "_hidden") and far != 1 and far == far


def test_a_module_does_not_cross():
    with pytest.raises(NotPlain):
        crossed(sys)
