"""Tests beside what they test: the same points for honest work, and none where the checks were changed."""

import pytest

from autograde.inside.in_process import TAMPERED, canaries
from tests.autograde.damage import BOTH
from tests.autograde.inside import pair
from tests.autograde.inside.test_attacks import DELETES_ASSERTS, NOTHING, PATCHES_WHAT_CHECKS


@pytest.fixture(scope="module")
def toy():
    return pair.toy(cell_seconds=5, submission_seconds=30)


def graded(toy, answers, **more):
    result = pair.graded(toy, {**BOTH, **answers}, mode="in_process", **more)
    return result, {part.id: part for part in result.exercises}


@pytest.mark.parametrize(
    ("answers", "score", "status", "told"),
    [
        ({}, 6, "right", "Right."),
        ({"double": "def double(x):\n    return x * x"}, 4, "wrong", "For 3 the answer is 6, yours is 9."),
        (
            {"roots": "def roots(numbers):\n    return [abs(x) ** 0.5 for x in numbers]"},
            4,
            "right",
            "1 of 2 lists are right.",
        ),
        ({"double": "def double(x):\n    raise type('NotRun', (Exception,), {})('later')"}, 4, "wrong", "later"),
        ({"double": "def double(x):\n    get_ipython().displayhook(2.0)\n    return 0"}, 4, "wrong", "yours is 0"),
    ],
)
def test_an_answer_comes_to_what_it_comes_to_in_the_split_mode(toy, answers, score, status, told):
    result, parts = graded(toy, answers)
    assert (result.score, parts["double"].status) == (score, status)
    assert any(told in part.message for part in parts.values())


@pytest.mark.parametrize("where", ["double", "in the call"])
def test_deleted_asserts_wake_a_canary(toy, where):
    inside = "def double(x):\n" + "".join(f"    {line}\n" for line in DELETES_ASSERTS.splitlines()) + "    return 0\n"
    result, parts = graded(toy, {"double": DELETES_ASSERTS + NOTHING if where == "double" else inside})
    assert (result.score, parts["roots"].message) == (0, TAMPERED)


def test_patched_libraries_wake_a_canary_where_the_tests_stand_on_them(toy):
    test = "import numpy as np\nfrom mini_lib import learn\nassert np.allclose(double(3), 6)"
    tests = {**toy.job(b"").tests, "test_double": test}
    result, parts = graded(toy, {"double": PATCHES_WHAT_CHECKS + NOTHING}, tests=tests)
    assert (result.score, parts["double"].message) == (0, TAMPERED)
    assert graded(toy, {}, tests=tests)[0].score == 6


def test_there_are_canaries_for_what_the_tests_name_and_no_others():
    assert len(canaries(["assert x"])) < len(canaries(["import numpy"])) < len(canaries(["import numpy, mini_lib"]))


def test_a_student_who_ends_python_in_a_test_keeps_what_was_earned_before(toy):
    result, _ = graded(toy, {"roots": "import os\ndef roots(numbers):\n    os._exit(0)"})
    assert (result.status, result.score) == ("kernel_died", 2)
