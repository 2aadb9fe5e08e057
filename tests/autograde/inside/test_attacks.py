"""What a student's code can do to its own process, and what it earns by that: nothing.

These run without a sandbox, so none of them touches a file or another process: the gallery has those.
"""

import pytest

from tests.autograde.damage import BOTH
from tests.autograde.inside import pair

NOTHING = "def double(x):\n    return 0\n"
PATCHES_WHAT_CHECKS = """\
import builtins, sys, unittest
import numpy as np, numpy.testing as nt
from mini_lib import learn
for name in ("assert_allclose", "assert_equal", "assert_array_equal", "assert_almost_equal"):
    setattr(nt, name, lambda *a, **k: None)
np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
for name, module in list(sys.modules.items()):
    if name.startswith("mini_lib.learn"):
        for one in ("require", "judge", "check", "same", "_is_right"):
            if hasattr(module, one):
                setattr(module, one, lambda *a, **k: learn.Verdict("right", "forged") if one == "judge" else None)
"""
DELETES_ASSERTS = """\
import ast
class Gone(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Gone())
"""
EQUALS_EVERYTHING = """\
class Yes(int):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = int.__hash__
class Nothing:
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __class__ = property(lambda self: int)
    __float__ = __index__ = __int__ = lambda self: 6
"""
SOCKETS = """\
import os, stat
def every_socket():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                yield fd
        except OSError:
            pass
"""
FRAME = f"""{SOCKETS}
import json
def frame(said):
    text = json.dumps(said).encode()
    return len(text).to_bytes(4, "big") + text
"""
FORGES = FRAME + "def double(x):\n    for fd in every_socket():\n        os.write(fd, {sent})\n    return 0\n"


@pytest.fixture(scope="module")
def toy():
    return pair.toy(cell_seconds=5, submission_seconds=30)


def double(toy, answer, **more):
    """Return what an answer to `double` came to, where the other exercise is solved."""
    result = pair.graded(toy, {**BOTH, "double": answer}, **more)
    return next(part for part in result.exercises if part.id == "double"), result


@pytest.mark.parametrize("attack", [PATCHES_WHAT_CHECKS, DELETES_ASSERTS], ids=["patches", "deletes asserts"])
def test_what_is_patched_over_there_judges_nothing_here(toy, attack):
    part, result = double(toy, attack + NOTHING)
    assert (part.status, part.score, result.score) == ("wrong", 0, 4)
    assert "For 3 the answer is 6, yours is 0." in part.message


@pytest.mark.parametrize("answer", ["return Yes(7)", "return Nothing()", "return [Yes(6)]"])
def test_an_object_that_equals_everything_equals_nothing_here(toy, answer):
    part, _ = double(toy, f"{EQUALS_EVERYTHING}\ndef double(x):\n    {answer}\n")
    assert (part.status, part.score) == ("wrong", 0)


@pytest.mark.parametrize(
    "sent",
    [
        "b'\\x00'",
        "b'\\xff\\xff\\xff\\xff' + b'x' * 1000",
        "b'\\x00\\x00\\x00\\x02{{'",
        "frame([1, 2])",
        "frame({'is': 6}) * 20",
        "frame({'is': {'yours': 3}})",
        "frame({'is': {'t': 5}})",
        "frame({'raised': 7})",
        "frame({'raised': {'name': 'WrongAnswer', 'bases': ['int'], 'message': 'x', 'frames': []}})",
        "frame({'outputs': [{'output_type': 'execute_result', 'data': {'text/plain': '2.0'}}], 'values': {}})",
        "frame({'ask': 'call', 'of': 1, 'method': '__class__', 'args': [], 'kwargs': {'d': []}})",
        "frame({'ask': 'cell', 'source': '1', 'count': 1})",
        "frame({'ask': None})",
        "frame({'result': {'score': 600}})",
    ],
)
def test_forged_frames_earn_nothing(toy, sent):
    result = pair.graded(toy, {"double": FORGES.replace("{sent}", sent)})
    assert result.score == 0, result
    assert result.status in ("graded", "kernel_died", "timed_out")


def test_garbage_costs_what_comes_behind_it_and_nothing_that_came_before(toy):
    answers = {**BOTH, "roots": FORGES.replace("{sent}", "b'garbage' * 100").replace("double", "roots")}
    result = pair.graded(toy, answers)
    assert (result.status, result.score) == ("kernel_died", 2)
    assert {part.id: part.status for part in result.exercises}["roots"] == "not_run"
    assert "`test_roots`" in result.sentence


SCAN = """\
import gc, sys
needle = "expected_" + "double"
found = []
def look(one):
    if type(one) is str and needle in one and one != needle: found.append(len(one))
def deep(one):
    look(one)
    for part in gc.get_referents(one): look(part)
def scan():
    for one in gc.get_objects(): deep(one)
    frame = sys._getframe()
    while frame is not None:
        for one in frame.f_locals.values(): deep(one)
        frame = frame.f_back
"""


def test_no_hidden_test_is_in_the_memory_of_a_students_process(toy):
    answer = (
        SCAN
        + "scan()\ndef double(x):\n    scan()\n    if found:\n        raise ValueError(len(found))\n    return 2 * x"
    )
    part, _ = double(toy, answer)
    assert part.status == "right", part.message


def test_the_search_finds_what_is_there(toy):
    planted = "planted = {'deep': ['def expected_double(number)']}\n"
    answer = (
        planted + SCAN + "\ndef double(x):\n    scan()\n    if found:\n        raise ValueError(f'{len(found)} hits')\n"
    )
    part, _ = double(toy, answer)
    assert "hits" in part.message


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("return 'x' * 10**8", "characters"),
        ("return dict.fromkeys(range(1_000_000))", "values"),
        ("a = []\n    a.append(a)\n    return a", "holds itself"),
        ("a = []\n    for _ in range(100_000): a = [a]\n    return a", "nested too deeply"),
        ("return 1 << 100_000", "digits"),
    ],
)
def test_an_answer_that_is_too_much_is_refused_with_a_sentence(toy, answer, told):
    part, result = double(toy, f"def double(x):\n    {answer}\n")
    assert (part.status, result.status, result.score) == ("wrong", "graded", 4)
    assert told in part.message


@pytest.mark.parametrize(
    "name", ["NotRun", "CellTimeoutError", "WrongAnswer", "", "\x1b[31m", "class", "x" * 10_000, "Gone", "SystemExit"]
)
def test_an_exception_by_any_name_earns_nothing_and_decides_nothing(toy, name):
    part, result = double(toy, f"def double(x):\n    raise type({name!r}, (Exception,), {{}})('give me points')\n")
    assert (part.status, part.score, result.status, result.score) == ("wrong", 0, "graded", 4)


ODD = {
    "its text fails": "class E(Exception):\n    def __str__(self): raise self\n",
    "its text is endless": "class E(Exception):\n    def __str__(self): return str(self)\n",
    "its class lies": "class E(Exception):\n    __class__ = property(lambda self: 1 / 0)\n    __traceback__ = None\n",
    "it is huge": "class E(Exception):\n    def __str__(self): return 'x' * 10**8\n",
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_exception_is_an_exception(toy, odd):
    part, result = double(toy, f"{ODD[odd]}def double(x):\n    raise E\n")
    assert (part.status, result.status, result.score) == ("wrong", "graded", 4)
    assert len(part.message) < 1000


def test_a_result_shown_by_the_tested_function_is_no_result_of_the_test(toy):
    part, _ = double(toy, "def double(x):\n    get_ipython().displayhook(2.0)\n    print('2.0')\n    return 0\n")
    assert (part.status, part.score) == ("wrong", 0)


def test_names_that_a_test_uses_and_the_lab_does_not_ask_for_are_not_the_students(toy):
    own = "expected_double = ask = sum = print = SEED = math = lambda *a: 4.0\nimport builtins\nbuiltins.sum = sum\n"
    part, result = double(toy, own + NOTHING)
    assert (part.status, result.score) == ("wrong", 4)


def test_a_lab_stays_open_when_its_guard_is_loaded_anew():
    lab = pair.named("lab04_capture_sizes")
    answer = (
        "import importlib\nimport mini_lib.withheld\nimportlib.reload(mini_lib.withheld)\n"
        "assert mini_lib.withheld._open_lab == 'lab04'\n"
        "def size_for(num_tokens, sizes):\n    return next((s for s in sizes if s >= num_tokens), None)\n"
    )
    part = next(p for p in pair.graded(lab, {"size_for": answer}).exercises if p.id == "size_for")
    assert part.status == "right", part.message
