"""What ends, when it must end, and what is said: the limit with its number, and no point less than what was earned."""

import nbformat
import pytest

from autograde.inside.align import grade_id
from tests.autograde.damage import BOTH, DOUBLE
from tests.autograde.inside import pair

LOOPS = "def {name}(x):\n    while True:\n        pass\n"
DEAF = """\
import time
def roots(numbers):
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""


def graded(answers, **limits):
    result = pair.graded(pair.toy(**limits), {**BOTH, **answers})
    return result, {part.id: part for part in result.exercises}


def test_a_loop_without_end_costs_its_own_exercise():
    result, parts = graded({"double": LOOPS.format(name="double")})
    assert (result.status, result.score) == ("timed_out", 4)
    assert "It was stopped at the time limit. A cell may take 1 s." in parts["double"].message
    assert result.sentence == "A cell was stopped after 1 s (at the cell `test_double`)."
    assert parts["double"].frames[0].startswith("Cell In[3], line ")


def test_a_loop_in_an_own_cell_costs_no_exercise():
    result, _ = graded({"double": DOUBLE + "\nwhile True:\n    pass"})
    assert (result.status, result.score) == ("timed_out", 6)
    assert "(at the cell `double`)" in result.sentence


def test_a_loop_in_a_cell_that_has_no_name_is_looked_for_in_no_other():
    toy = pair.toy()
    notebook = nbformat.reads(toy.handed_in(BOTH).decode(), as_version=4)
    place = next(place for place, cell in enumerate(notebook.cells) if grade_id(cell) == "roots")
    notebook.cells.insert(place, nbformat.v4.new_code_cell("while True:\n    pass"))
    result = pair.run(toy.job(nbformat.writes(notebook).encode())).reply.result
    assert (result.status, result.score) == ("timed_out", 6)
    assert result.sentence == "A cell was stopped after 1 s (in a cell before `roots`)."


def test_the_judge_names_the_call_that_did_not_end():
    lab = pair.named("lab04_capture_sizes")
    answer = "def size_for(num_tokens, sizes):\n    while True:\n        pass"
    result = pair.graded(lab, {"size_for": answer}, limits={**lab.job(b"").limits, "cell_seconds": 1})
    part = next(part for part in result.exercises if part.id == "size_for")
    assert "A cell may take 1 s. Your function was still running when it was stopped, for num_tokens" in part.message


def test_one_who_is_deaf_is_not_waited_for_and_keeps_what_was_earned_before():
    result, parts = graded({"roots": DEAF})
    assert (result.status, result.score) == ("timed_out", 2)
    assert parts["roots"].status == "not_run"
    assert (
        "Your notebook was stopped at its time limit of 1 s for a cell, before this test was done."
        in parts["roots"].message
    )
    assert "(at the cell `test_roots`)" in result.sentence


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()", "os.closerange(3, 64)"])
def test_one_who_ends_python_keeps_what_was_earned_before(end):
    result, parts = graded({"roots": f"import os\ndef roots(numbers):\n    {end}\n"})
    assert (result.status, result.score) == ("kernel_died", 2)
    assert parts["roots"].status == "not_run" and "Python ended while your notebook ran" in parts["roots"].message


def test_a_stopped_process_is_not_waited_for():
    result, _ = graded({"roots": "import os\ndef roots(numbers):\n    os.kill(os.getpid(), 19)\n"})
    assert (result.status, result.score) == ("timed_out", 2)


def test_a_whole_notebook_has_a_limit():
    slow = "import time\n" + DOUBLE + "\ntime.sleep(0.8)"
    result, parts = graded({"double": slow, "roots": "import time; time.sleep(0.9)"}, submission_seconds=1.2)
    assert (result.status, result.score) == ("timed_out", 2)
    assert "its time limit of 1.2 s" in parts["roots"].message


def test_an_interrupt_does_not_cut_a_frame_in_two():
    """The tested function does nothing but call the tester, so that the timer rings between two of its frames."""
    toy = pair.toy()
    tests = {**toy.job(b"").tests, "test_double": "asked = []\ndouble(lambda: asked.append(1))\n"}
    result = pair.graded(toy, {**BOTH, "double": "def double(ask):\n    while True:\n        ask()\n"}, tests=tests)
    parts = {part.id: part.status for part in result.exercises}
    assert (result.status, parts["double"], parts["roots"]) == ("timed_out", "wrong", "right")


def test_a_test_that_would_not_end_by_itself_is_ended_too():
    toy = pair.toy()
    tests = {**toy.job(b"").tests, "test_roots": "while True:\n    pass"}
    result = pair.graded(toy, BOTH, tests=tests)
    assert (result.status, result.score) == ("timed_out", 2)


def test_memory_that_is_not_there_is_named_with_the_limit():
    _, parts = graded({"double": "def double(x):\n    return 2 * len(bytearray(50_000_000_000))"})
    assert parts["double"].message == "MemoryError: a notebook may use 4 GB"


def test_a_child_of_a_student_that_comes_back_says_nothing():
    result, _ = graded({"double": "import os\ndef double(x):\n    os.fork()\n    return 2 * x"})
    assert (result.status, result.score) == ("graded", 6)
