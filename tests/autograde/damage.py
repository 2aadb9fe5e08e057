"""What happens to notebooks between a student and a grader: copied, split, resaved, robbed of metadata, edited.

Each function changes a released notebook in place, or returns what stands in its file instead. The gallery's
golden.json files call them by name.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

DOUBLE = "def double(x):\n    return 2 * x"
ROOTS = "def roots(numbers):\n    return [x ** 0.5 if x >= 0 else None for x in numbers]"
STUB = 'def double(x):\n    """Return x twice over."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
BOTH = {"double": DOUBLE, "roots": ROOTS}
MAX_CELLS = 2_000
Notebook = dict[str, Any]


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


def position(notebook: Notebook, name: str) -> int:
    return notebook["cells"].index(cell(notebook, name))


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def without(name: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"].remove(cell(notebook, name))


def marks(name: str, **changed: Any) -> Callable[[Notebook], None]:
    return lambda notebook: cell(notebook, name)["metadata"]["nbgrader"].update(changed)


def alone(text: bytes) -> Callable[[Notebook], bytes]:
    return lambda notebook: text


answer_deleted = without("double")
test_deleted = without("test_double")
setup_deleted = without("setup")
text_deleted = without("why")
schema_99 = marks("double", schema_version=99)
schema_text = marks("double", schema_version="three")
points_raised = marks("test_double", points=1000, locked=False)
points_infinite = marks("test_double", points=float("inf"))
flags_flipped = marks("test_double", grade=False, solution=True)
test_unlocked = marks("test_double", locked=False)
binary = alone(bytes(range(256)))
empty = alone(b"")
a_list = alone(b"[1, 2]")
deep = alone(b"[" * 200_000)
too_large = alone(b" " * 3_000_000)
broken_version_3 = alone(b'{"worksheets": 7}')
a_zip = alone(b"PK\x03\x04\x14\x00\x00\x00\x08\x00toy.ipynb" + bytes(64))
a_page = alone(b"<!DOCTYPE html>\n<html><body><h1>Sign in to continue</h1></body></html>\n")
conflict = alone(b'<<<<<<< HEAD\n{"cells": []}\n=======\n{"cells": []}\n>>>>>>> mine\n')
huge_number = alone(b'{"cells": [], "nbformat": ' + b"9" * 1_900_000 + b"}")
bad_utf_8 = alone(b'{"cells": [{"cell_type": "code", "source": "\xff\xfe"}]}')
no_cells_key = alone(b'{"nbformat": 4, "metadata": {}}')
cells_as_object = alone(b'{"cells": {"0": {"cell_type": "code"}}, "nbformat": 4}')


def truncated(notebook: Notebook) -> bytes:
    """The disk was full, or the upload broke off."""
    return json.dumps(notebook)[:500].encode()


def pass_for_test(notebook: Notebook) -> None:
    cell(notebook, "test_double")["source"] = "pass"


def slow_cells(notebook: Notebook) -> None:
    """Each within the limit of a cell, together beyond that of a notebook."""
    where = position(notebook, "roots")
    notebook["cells"][where:where] = [code("import time; time.sleep(1.6)") for _ in range(8)]


def many_cells(notebook: Notebook) -> None:
    notebook["cells"] = [code("1")] * (MAX_CELLS + 1)


def invented(notebook: Notebook) -> None:
    """A cell that gives itself points."""
    marks = {"grade_id": "invented", "grade": True, "points": 9, "locked": True, "solution": False, "schema_version": 3}
    notebook["cells"].append(code("pass", metadata={"nbgrader": marks}))


def doubled(notebook: Notebook) -> None:
    """The answer copied below its test: the copy is right, the original wrong, and both carry the marks."""
    second = copy.deepcopy(cell(notebook, "double"))
    cell(notebook, "double")["source"] = "def double(x):\n    return 0"
    notebook["cells"].insert(position(notebook, "test_double") + 1, second)


def test_doubled(notebook: Notebook) -> None:
    """A test copied twice, once emptied: the course's own runs, and it runs once."""
    second, third = (copy.deepcopy(cell(notebook, "test_roots")) for _ in range(2))
    second["source"] = "4.0"
    notebook["cells"] += [second, third]


def spare_stub(notebook: Notebook) -> None:
    """A second copy that is still the stub must not undo the answer above it."""
    second = copy.deepcopy(cell(notebook, "double"))
    second["source"] = STUB
    notebook["cells"].insert(position(notebook, "double") + 1, second)


def split(notebook: Notebook) -> None:
    """The answer cut in two cells, as Ctrl-Shift-minus does it: both halves keep the marks."""
    second = copy.deepcopy(cell(notebook, "roots"))
    cell(notebook, "roots")["source"] = "def root(x):\n    return x ** 0.5 if x >= 0 else None"
    second["source"] = "def roots(numbers):\n    return [root(x) for x in numbers]"
    notebook["cells"].insert(position(notebook, "roots") + 1, second)


def merged(notebook: Notebook) -> None:
    """Both answers in the cell of the first, as Shift-M does it: the second cell is gone."""
    cell(notebook, "double")["source"] += "\n\n\n" + cell(notebook, "roots")["source"]
    notebook["cells"].remove(cell(notebook, "roots"))


def stripped(notebook: Notebook) -> None:
    """All metadata and ids lost, as other tools' export and import do."""
    for one in notebook["cells"]:
        one["metadata"] = {}
        one.pop("id", None)
    notebook["nbformat_minor"] = 4


def marks_lost(notebook: Notebook) -> None:
    """nbgrader's marks lost, the cells' ids kept."""
    for one in notebook["cells"]:
        one["metadata"].pop("nbgrader", None)


def colab(notebook: Notebook) -> None:
    """Saved by Colab: ids moved into the metadata, other notebook metadata, a scratch cell without marks."""
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "ir", "display_name": "R"}}
    for one in notebook["cells"]:
        one["metadata"]["id"] = one.pop("id")
        one["metadata"]["outputId"] = "7f"
    notebook["cells"].append(code("1 / 0", metadata={"id": "scratch"}))


def empty_marks(notebook: Notebook) -> None:
    for name in ("double", "test_roots"):
        cell(notebook, name)["metadata"]["nbgrader"] = {}


def odd_marks(notebook: Notebook) -> None:
    """Marks of other types than nbgrader's."""
    cell(notebook, "why")["metadata"]["nbgrader"] = {"grade_id": {"a": 1}}
    cell(notebook, "double")["metadata"]["nbgrader"] = ["double"]
    cell(notebook, "setup")["metadata"] = "setup"


def retyped(notebook: Notebook) -> None:
    cell(notebook, "double").update(cell_type="markdown")
    cell(notebook, "test_roots").update(cell_type="raw")


def reordered(notebook: Notebook) -> None:
    test = cell(notebook, "test_roots")
    notebook["cells"].remove(test)
    notebook["cells"].insert(0, test)


def upside_down(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def ids_doubled(notebook: Notebook) -> None:
    """Every cell has the same id, as some tools that write notebooks by hand leave it."""
    for one in notebook["cells"]:
        one["id"] = "cell"


def odd_cells(notebook: Notebook) -> None:
    notebook["cells"].extend([None, 7, {}, {"source": 3}, {"cell_type": "code", "source": [1, None, "2\n"]}])


def nested(notebook: Notebook) -> None:
    """Code in which a parser runs out of stack; whoever looks for the lost `double` has to parse it."""
    notebook["cells"].remove(cell(notebook, "double"))
    for source in ("-" * 50_000 + "1", "(" * 5_000 + ")" * 5_000, "x" + ".a" * 20_000, "lambda: " * 5_000 + "0"):
        notebook["cells"].append(code(f"def double(x):\n    return {source}"))
