"""A class of the toy lab, one student per kind of submission, each with what grading it must give.

A recipe changes the released notebook (or replaces the file); `Expected` is the golden result. Honest students who
are merely unlucky with their tools must lose nothing.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOUBLE = "def double(x):\n    return 2 * x"
ROOTS = "def roots(numbers):\n    return [x ** 0.5 if x >= 0 else None for x in numbers]"
STUB = 'def double(x):\n    """Return x twice over."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
BOTH = {"double": DOUBLE, "roots": ROOTS}
Notebook = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """Status and points of the whole, status of `double` and `roots`, and a part of what one of them is told."""

    status: str
    score: float
    double: str
    roots: str
    told: str = ""


FULL = Expected("graded", 6, "right", "right")
NOTHING_RAN = ("not_run", "not_run")


@dataclass(frozen=True)
class Kind:
    """How a submission comes about, and what it must come to."""

    expected: Expected
    answers: dict[str, str]
    change: Callable[[Notebook], Notebook | bytes | None] = lambda notebook: None
    plant: Callable[[Path], None] = lambda folder: None


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


def position(notebook: Notebook, name: str) -> int:
    return notebook["cells"].index(cell(notebook, name))


def without(name: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"].remove(cell(notebook, name))


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def before(name: str, source: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"].insert(position(notebook, name), code(source))


def marks(name: str, **changed: Any) -> Callable[[Notebook], None]:
    return lambda notebook: cell(notebook, name)["metadata"]["nbgrader"].update(changed)


def doubled(notebook: Notebook) -> None:
    """The answer copied below its test: the copy is right, the original wrong, and both carry the marks."""
    second = copy.deepcopy(cell(notebook, "double"))
    cell(notebook, "double")["source"] = "def double(x):\n    return 0"
    notebook["cells"].insert(position(notebook, "test_double") + 1, second)


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


def stripped(notebook: Notebook) -> None:
    """All metadata and ids lost, as other tools' export and import do."""
    for one in notebook["cells"]:
        one["metadata"] = {}
        one.pop("id", None)
    notebook["nbformat_minor"] = 4


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


def retyped(notebook: Notebook) -> None:
    cell(notebook, "double").update(cell_type="markdown")
    cell(notebook, "test_roots").update(cell_type="raw")


def reordered(notebook: Notebook) -> None:
    test = cell(notebook, "test_roots")
    notebook["cells"].remove(test)
    notebook["cells"].insert(0, test)


def version_3(notebook: Notebook) -> Notebook:
    cells = [
        {"cell_type": "code", "input": text, "language": "python", "outputs": [], "metadata": {}}
        for text in BOTH.values()
    ]
    return {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


def alone(text: bytes) -> Callable[[Notebook], bytes]:
    return lambda notebook: text


def fifo(folder: Path) -> None:
    (folder / "toy.ipynb").unlink()
    os.mkfifo(folder / "toy.ipynb")


def link(target: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / "toy.ipynb").unlink()
        (folder / "toy.ipynb").symlink_to(target)

    return plant


def beside(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


KINDS: dict[str, Kind] = {
    # honest, and their tools behaved
    "perfect": Kind(FULL, BOTH),
    "untouched": Kind(Expected("not_attempted", 0, "not_attempted", "not_attempted", "double is still the stub"), {}),
    "one_wrong": Kind(
        Expected("graded", 4, "wrong", "right", "For 3 the answer is 6, yours is 9."),
        {**BOTH, "double": "def double(x):\n    return x * x"},
    ),
    "partial": Kind(
        Expected("graded", 4, "right", "partial", "1 of 2 lists are right."),
        {**BOTH, "roots": "def roots(numbers):\n    return [abs(x) ** 0.5 for x in numbers]"},
    ),
    "hard_coded": Kind(
        Expected("graded", 4, "wrong", "right", "For 424242 the answer is 848484, yours is None."),
        {**BOTH, "double": "def double(x):\n    return {3: 6, 5: 10}.get(x)"},
    ),
    "syntax_error": Kind(
        Expected("graded", 4, "wrong", "right", "Your own cell stopped, so it could not be tested: SyntaxError"),
        {**BOTH, "double": "def double(x)\n    return 2 * x"},
    ),
    "raises": Kind(
        Expected("graded", 4, "wrong", "right", "ZeroDivisionError: division by zero"),
        {**BOTH, "double": "def double(x):\n    return x / 0"},
    ),
    "warns": Kind(FULL, {**BOTH, "double": "import sys\ndef double(x):\n    print('hm', file=sys.stderr)\n    return 2 * x"}),
    "prints_a_lot": Kind(FULL, {**BOTH, "double": "def double(x):\n    print('y' * 3_000_000)\n    return 2 * x"}),
    "asks_for_input": Kind(
        Expected("graded", 4, "not_attempted", "right"),  # IPython's refusal is a NotImplementedError
        {**BOTH, "double": "def double(x):\n    return int(input())"},
    ),
    "leaves": Kind(FULL, {**BOTH, "double": DOUBLE + "\nimport sys\nsys.exit(0)"}),
    # accidents of a run
    "endless_loop": Kind(
        Expected("timed_out", 4, "wrong", "right", "It was stopped at the time limit."),
        {**BOTH, "double": "def double(x):\n    while True:\n        pass"},
    ),
    "endless_and_deaf": Kind(
        Expected("timed_out", 2, "right", "not_run", "stopped at its time limit"),
        {
            **BOTH,
            "roots": "import time\ndef roots(numbers):\n    while True:\n        try:\n            time.sleep(1)\n"
            "        except KeyboardInterrupt:\n            pass",
        },
    ),
    "endless_print": Kind(
        Expected("timed_out", 4, "wrong", "right"),
        {**BOTH, "double": "def double(x):\n    while True:\n        print('all work and no play ' * 50)"},
    ),
    "kernel_dies": Kind(
        Expected("kernel_died", 2, "right", "not_run", "Python ended while your notebook ran"),
        {**BOTH, "roots": "import os\ndef roots(numbers):\n    os._exit(1)"},
    ),
    "eats_memory": Kind(
        Expected("graded", 4, "wrong", "right", "MemoryError"),
        {**BOTH, "double": "def double(x):\n    return 2 * len(bytearray(50_000_000_000))"},
    ),
    "many_slow_cells": Kind(
        Expected("timed_out", 2, "right", "not_run", "stopped at its time limit"),
        BOTH,
        lambda notebook: [before("roots", "import time; time.sleep(1.6)")(notebook) for _ in range(8)] and None,
    ),
    # damaged notebooks: what was answered still counts
    "answer_deleted": Kind(Expected("graded", 4, "not_attempted", "right"), BOTH, without("double")),
    "test_deleted": Kind(FULL, BOTH, without("test_double")),
    "setup_deleted": Kind(FULL, BOTH, without("setup")),
    "text_deleted": Kind(FULL, BOTH, without("why")),
    "test_edited": Kind(
        Expected("graded", 4, "wrong", "right"),
        {**BOTH, "double": "def double(x):\n    return 0"},
        lambda notebook: cell(notebook, "test_double").update(source="pass"),
    ),
    "answer_doubled": Kind(FULL, BOTH, doubled),
    "spare_stub": Kind(FULL, BOTH, spare_stub),
    "answer_split": Kind(FULL, BOTH, split),
    "metadata_lost": Kind(FULL, BOTH, stripped),
    "colab": Kind(FULL, BOTH, colab),
    "marks_emptied": Kind(FULL, BOTH, empty_marks),
    "retyped": Kind(FULL, BOTH, retyped),
    "reordered": Kind(FULL, BOTH, reordered),
    "schema_99": Kind(FULL, BOTH, marks("double", schema_version=99)),
    "points_raised": Kind(FULL, BOTH, marks("test_double", points=1000, locked=False)),
    "flags_flipped": Kind(FULL, BOTH, marks("test_double", grade=False, solution=True)),
    "unknown_grade_id": Kind(FULL, BOTH, lambda notebook: notebook["cells"].append(
        code("pass", metadata={"nbgrader": {"grade_id": "invented", "grade": True, "points": 9, "locked": True,
                                            "solution": False, "schema_version": 3}}))),
    "byte_order_mark": Kind(FULL, BOTH, lambda notebook: b"\xef\xbb\xbf" + json.dumps(notebook).encode()),
    "half_surrogate": Kind(FULL, {**BOTH, "double": DOUBLE + "  # \ud800"}),
    "nbformat_3": Kind(FULL, BOTH, version_3),
    "odd_cells": Kind(FULL, BOTH, lambda notebook: notebook["cells"].extend([None, 7, {}, {"cell_type": "code", "source": 3}])),
    # no notebook at all
    "truncated": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no JSON"), {}, lambda notebook: json.dumps(notebook)[:500].encode()),
    "binary": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no JSON"), {}, alone(bytes(range(256)))),
    "empty": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no JSON"), {}, alone(b"")),
    "a_list": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no list of cells"), {}, alone(b"[1, 2]")),
    "deep": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no JSON"), {}, alone(b"[" * 200_000)),
    "too_large": Kind(Expected("unreadable", 0, *NOTHING_RAN, "Clear its outputs"), {}, alone(b" " * 3_000_000)),
    "too_many_cells": Kind(
        Expected("unreadable", 0, *NOTHING_RAN, "2001 cells"), {}, lambda notebook: {**notebook, "cells": [code("1")] * 2001}
    ),
    "fifo": Kind(Expected("unreadable", 0, *NOTHING_RAN, "not a plain file"), {}, plant=fifo),
    "link_to_a_classmate": Kind(Expected("unreadable", 0, *NOTHING_RAN, "plain file"), {}, plant=link("../../perfect/toy/toy.ipynb")),
    "link_to_itself": Kind(Expected("unreadable", 0, *NOTHING_RAN, "plain file"), {}, plant=link("toy.ipynb")),
    "renamed": Kind(FULL, BOTH, plant=lambda folder: (folder / "toy.ipynb").rename(folder / "toy (1).ipynb") and None),
    "nothing_handed_in": Kind(Expected("missing", 0, *NOTHING_RAN), {}, plant=lambda folder: (folder / "toy.ipynb").unlink()),
    # files beside the notebook are not taken
    "own_math": Kind(FULL, BOTH, plant=beside("math.py", "raise SystemExit('imported from beside the notebook')")),
    "own_kernel": Kind(FULL, BOTH, plant=beside("ipykernel_launcher.py", "raise SystemExit('started in place of the kernel')")),
}  # fmt: skip


def write_class(released: bytes, folder: Path, kinds: dict[str, Kind]) -> None:
    """Write `<kind>/toy/toy.ipynb` for each kind."""
    for student, kind in kinds.items():
        notebook = json.loads(released)
        for name, source in kind.answers.items():
            cell(notebook, name)["source"] = source
        made = kind.change(notebook)
        place = folder / student / "toy"
        place.mkdir(parents=True)
        text = made if isinstance(made, bytes) else json.dumps(made or notebook).encode()
        (place / "toy.ipynb").write_bytes(text)
        kind.plant(place)
