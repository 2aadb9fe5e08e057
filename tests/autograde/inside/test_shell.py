"""What a student meets in a cell is what a notebook has, as far as nobody is there to look and to answer."""

import json

import pytest

from tests.autograde.damage import BOTH, DOUBLE
from tests.autograde.inside import pair


@pytest.fixture(scope="module")
def toy():
    return pair.toy(cell_seconds=20, submission_seconds=60)


def shown(toy, *lines):
    """Return what a cell showed that answers `double` and then runs these lines."""
    came = pair.run(toy.job(toy.handed_in({**BOTH, "double": "\n".join([DOUBLE, *lines])})))
    assert came.result.score == 6, came.result
    cells = json.loads(came.reply.notebook)["cells"]
    return next(cell["outputs"] for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double")


def text(outputs):
    return "".join("".join(one.get("text", "")) for one in outputs)


def test_the_last_value_of_a_cell_shows_itself(toy):
    (one,) = shown(toy, "2 * 3")
    assert (one["output_type"], "".join(one["data"]["text/plain"])) == ("execute_result", "6")


def test_magics_and_commands_work(toy):
    shell = ["!echo from the shell; exit 3", "print(_exit_code)", "x = !echo caught", "print(x)", "%env SOME_X=1"]
    awaits = ["import asyncio", "print(await asyncio.sleep(0, 'awaited'))"]
    said = text(shown(toy, "%timeit -n1 -r1 double(3)", *shell, *awaits))
    assert "from the shell\n3\n['caught']" in said and "awaited" in said and "per loop" in said


def test_a_command_that_floods_is_cut_off(toy):
    outputs = shown(toy, "!yes | head -c 3000000", "!echo the end")
    assert len(text(outputs)) < 110_000 and "cut off here" in text(outputs) and text(outputs).endswith("the end\n")


def test_a_picture_appears_below_its_cell_without_a_word_about_it(toy):
    outputs = shown(toy, "import matplotlib.pyplot as plt", "plt.plot([1, 2]);", "plt.show()")
    assert [sorted(one["data"]) for one in outputs if one["output_type"] == "display_data"] == [
        ["image/png", "text/plain"]
    ]


def test_html_and_display_are_kept(toy):
    outputs = shown(toy, "from IPython.display import HTML, display, clear_output", "display(HTML('<b>1</b>'), 2)")
    assert [one["data"].get("text/html") for one in outputs] == [["<b>1</b>"], None]


def test_of_what_is_displayed_only_forms_that_a_formgrader_shows_are_kept(toy):
    """It fails on a widget without its state, and a script or a diagram has no business there."""
    forms = ("text/vnd.mermaid", "application/javascript", "application/vnd.jupyter.widget-view+json")
    lines = [f"display({{{form!r}: '</pre><script>1</script>', 'text/plain': 'x'}}, raw=True)" for form in forms]
    outputs = shown(toy, "from IPython.display import display", *lines)
    assert [list(one["data"]) for one in outputs] == [["text/plain"]] * 3


def test_a_package_that_is_there_is_found_and_no_other_is_installed(toy):
    said = text(shown(toy, "%pip install numpy", "%pip install no_such_package_anywhere"))
    assert "Requirement already satisfied: numpy" in said and "No matching distribution found" in said


@pytest.mark.parametrize(
    ("line", "name", "message"),
    [
        ("input('?')", "StdinNotImplementedError", "does not support input requests"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("def f(:", "SyntaxError", "(line 3)"),
        ("eval('1 +')", "SyntaxError", "(line 1)"),
        ("raise KeyError('a')", "KeyError", "'a'"),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
        ("import sys; sys.stdout = None; 1 / 0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_an_error_ends_a_cell_and_no_notebook(toy, line, name, message):
    answers = {**BOTH, "roots": f"{BOTH['roots']}\n{line}"}
    came = pair.run(toy.job(toy.handed_in(answers)))
    cells = json.loads(came.reply.notebook)["cells"]
    outputs = next(c["outputs"] for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == "roots")
    assert [(one["ename"], message in one["evalue"]) for one in outputs if one["output_type"] == "error"] == [
        (name, True)
    ]
    assert came.result.status == "graded"


def test_random_numbers_are_the_same_in_every_run(toy):
    lines = ["import random, numpy, torch", "print(random.random(), numpy.random.rand(), torch.rand(1))"]
    first, second = text(shown(toy, *lines)), text(shown(toy, *lines))
    assert first == second and "0.844" in first


def test_what_is_printed_within_a_test_stands_before_what_the_test_says(toy):
    answers = {
        **BOTH,
        "roots": "def roots(numbers):\n    print('4 of 2, say I')\n    return [abs(x) ** 0.5 for x in numbers]",
    }
    result = pair.graded(toy, answers)
    assert next(part.message for part in result.exercises if part.id == "roots") == "1 of 2 lists are right."
