"""Cells of a release that are there to be looked at: the grader passes over them, unless the student changed them."""

import json

import nbformat
import pytest

from autograde.inside.walk import NOBODY_LOOKS, shows_only
from tests.autograde.inside import pair


@pytest.mark.parametrize(("source", "shows"), [
    ("lab.show(answer)", True),
    ("predict('how many?', ..., unit='rows')\nlab.show(answer)", True),
    ("# learn.hint(lab.FIRST)", True),
    ("sizes = lab.sizes()\nlab.show(sizes)", False),
    ("print(sizes := lab.sizes())", False),
    ("def helper():\n    return 1", False),
    ("import math", False),
    ("for size in sizes:\n    print(size)", False),
    ("%matplotlib inline", False),
])  # fmt: skip
def test_a_cell_only_shows_something_when_it_leaves_no_name_behind(source, shows):
    assert shows_only(nbformat.v4.new_code_cell(source)) is shows


def test_an_answer_and_a_test_are_never_for_show():
    lab = pair.toy()
    assert not any(shows_only(cell) for cell in lab.release.cells if cell.metadata.get("nbgrader"))


def test_a_cell_for_show_is_run_only_where_the_student_changed_it():
    lab = pair.named("lab04_capture_sizes")
    untouched, changed = (_outputs_of_a_show_cell(lab, more) for more in ("", "\nprint('looked', 'at')"))
    assert untouched == NOBODY_LOOKS
    assert changed.endswith("looked at\n")


def _outputs_of_a_show_cell(lab, more):
    notebook = json.loads(lab.handed_in(lab.solution))
    shown = next(cell for cell in notebook["cells"] if "".join(cell["source"]).startswith("lab04.show_break_evens("))
    shown["source"] = "".join(shown["source"]) + more
    graded = json.loads(pair.run(lab.job(json.dumps(notebook).encode())).reply.notebook)
    found = next(cell for cell in graded["cells"] if "".join(cell["source"]) == shown["source"])
    return "".join("".join(output.get("text", "")) for output in found["outputs"])
