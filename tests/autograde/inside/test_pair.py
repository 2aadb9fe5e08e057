"""The pair of processes on the toy lab: what each kind of answer comes to, and what its author is told."""

import pytest

from autograde.inside.job import Reply, packed
from tests.autograde.damage import BOTH, DOUBLE
from tests.autograde.gallery import entries
from tests.autograde.inside import pair

WRITES_OR_WAITS = ("uses_magics", "installs_a_package", "many_slow_cells")  # need a folder, a network, or patience
CATCHES = "try:\n    double(3)\nexcept LookupError as error:\n    assert str(error) == '3'"
HONEST = [
    name for name, kind in entries().items()
    if kind.group == "honest" and kind.lab == "toy" and name not in WRITES_OR_WAITS
]  # fmt: skip


@pytest.fixture(scope="module")
def toy():
    return pair.toy(cell_seconds=5, submission_seconds=40)


def handed_in(toy, kind):
    import json

    import nbformat

    from tests.autograde.gallery import make

    return make(kind, json.loads(nbformat.writes(toy.release)))


def parts(result):
    return {part.id: part for part in result.exercises}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_answer_comes_to_what_it_deserves(toy, name):
    kind = entries()[name]
    result = pair.run(toy.job(handed_in(toy, kind))).result
    found = {part: one.status for part, one in parts(result).items() if part in kind.expected.exercises}
    assert (result.status, result.score, found) == (
        kind.expected.status, kind.expected.score, dict(kind.expected.exercises)
    )  # fmt: skip
    assert any(kind.expected.told in part.message for part in result.exercises)


def test_the_same_notebook_gives_the_same_bytes(toy):
    answers = {**BOTH, "double": "print(object())\ndef double(x):\n    raise ValueError(object())"}
    job = toy.job(toy.handed_in(answers))
    first, second = (pair.run(job).reply for _ in range(2))
    assert (first.result, first.notebook) == (second.result, second.notebook)
    assert "<object object at 0x...>" in first.notebook


def test_key_and_history_are_not_for_a_sandbox_to_say(toy):
    reply = pair.run(toy.job(toy.handed_in(BOTH))).reply
    forged = reply.to_json().replace('"key": ""', '"key": "mine"')
    assert forged != reply.to_json()
    assert Reply.from_json(forged) == reply


def test_what_a_student_gets_to_read_names_the_line_in_which_their_own_code_stopped(toy):
    result = pair.graded(toy, {**BOTH, "double": "def half(x):\n    return x / 0\ndef double(x):\n    return half(x)"})
    double = parts(result)["double"]
    assert [frame.split(", ", 1)[1] for frame in double.frames] == [
        "line 4, in double\n    return half(x)",
        "line 2, in half\n    return x / 0",
    ]
    assert all(frame.startswith("Cell In[") for frame in double.frames)
    assert double.answer.startswith("def half")


def test_no_path_of_this_machine_is_in_a_reply(toy):
    answers = {**BOTH, "double": "import json\njson.loads('{')\n" + DOUBLE}
    reply = pair.run(toy.job(toy.handed_in(answers)))
    text = reply.reply.to_json()
    assert "json.decoder, line" in text
    assert "site-packages" not in text and "/lib/python" not in text and "/tmp/" not in text


def test_a_function_that_changes_its_argument_changes_the_one_that_the_test_holds(toy):
    tests = {"test_double": "given = [3, 1, 2]\nassert double(given) is None and given == [1, 2, 3], given"}
    answers = {**BOTH, "double": "def double(x):\n    x.sort()"}
    result = pair.graded(toy, answers, tests={**toy.job(b"").tests, **tests})
    assert parts(result)["double"].status == "right"


@pytest.mark.parametrize(
    ("answer", "test", "status"),
    [
        ("double = 42", "assert double == 42", "right"),
        ("double = {'a': (1, 2)}", "assert double == {'a': (1, 2)}", "right"),
        ("def double(x): raise KeyError(x)", CATCHES, "right"),
        ("def double(f): return f(3)", "assert double(lambda x: x + 1) == 4", "right"),
        ("def double(x): return iter([1, 2])", "assert list(double(0)) == [1, 2]", "right"),
        ("def double(x):\n    yield from range(x)", "assert sum(double(4)) == 6", "right"),
        ("class double:\n    def tell(self, x): return x", "assert double().tell(5) == 5", "right"),
        ("def double(x): raise StopIteration", "assert all(map(double, [1, 2]))", "wrong"),
        ("def double(x): raise SystemExit(0)", "double(1)", "wrong"),
        ("def double(x): raise GeneratorExit", "list(double(i) for i in [1])", "wrong"),
        ("def double(x): raise BaseException", "double(1)", "wrong"),
        ("del double", "assert double", "wrong"),
    ],
)  # fmt: skip
def test_calls_and_values_mean_in_a_test_what_they_mean_in_one_process(toy, answer, test, status):
    tests = {**toy.job(b"").tests, "test_double": test}
    result = pair.graded(toy, {**BOTH, "double": answer}, tests=tests)
    assert parts(result)["double"].status == status, parts(result)["double"].message


def test_a_file_beside_the_notebook_lies_where_the_student_opens_it(toy):
    answers = {
        **BOTH,
        "double": "table = open('table.csv', 'rb').read()\ndef double(x):\n    return 2 * x * (table == b'\\xff1')",
    }
    result = pair.graded(toy, answers, files={"table.csv": packed(b"\xff1")})
    assert parts(result)["double"].status == "right"


def test_a_fault_of_the_grader_is_no_fault_of_the_student(toy):
    job = toy.job(toy.handed_in(BOTH), environment={"LAUNCH_BOUND_LAB": 7})
    reply = pair.run(job).reply
    assert reply.result.status == "grader_error" and "It is not your fault." in reply.result.sentence
    assert "Traceback" in reply.log


def test_what_ingest_refused_runs_nothing(toy):
    reply = pair.run(toy.job(b"", refused="Nothing there.", refused_as="missing")).reply
    assert (reply.result.status, reply.result.sentence, reply.result.score) == ("missing", "Nothing there.", 0)
    assert {part.status for part in reply.result.exercises} == {"not_run", "not_attempted"}
