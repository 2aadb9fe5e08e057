"""A class of the toy lab, one student per kind of submission, each with what grading it must give.

A recipe changes the released notebook (or replaces the file); `Expected` is the golden result. Honest students who
are merely unlucky with their tools must lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.autograde.damage import (
    BOTH,
    DOUBLE,
    Notebook,
    a_folder,
    alone,
    beside,
    cell,
    colab,
    doubled,
    empty_marks,
    fifo,
    invented,
    link,
    many_cells,
    marks,
    renamed,
    reordered,
    retyped,
    slow_cells,
    spare_stub,
    split,
    stripped,
    taken_back,
    two_renamed,
    version_3,
    without,
)  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """Status and points of the whole, status of `double` and `roots`, and a part of what one of them is told."""

    status: str
    score: float
    double: str
    roots: str
    told: str = ""


WARNS = "import warnings\ndef double(x):\n    warnings.warn('hm')\n    return 2 * x"
LOOKS_AROUND = """\
import os
def double(x):
    assert os.listdir() == [], os.listdir()
    assert not {"PYTHONPATH", "INSTRUCTORS_SECRET"} & set(os.environ), sorted(os.environ)
    assert os.environ["HOME"] != "/root"
    return 2 * x"""
QUOTES_THE_TEST = """\
import inspect
def double(x):
    raise ValueError(inspect.getsource(inspect.currentframe().f_back.f_back))"""
SCRIPT = """\
from IPython.display import HTML, display
display(HTML("<script>alert(1)</script>"))
def double(x):
    raise ValueError("<script>alert(2)</script>")  # <script>alert(3)</script>"""
SLEEP = "98765.4321"  # seconds that nothing else on this machine sleeps
LEAVES_A_PROCESS = f"""\
import subprocess
subprocess.Popen(["sleep", "{SLEEP}"], start_new_session=True)
def double(x):
    return 2 * x"""
FULL = Expected("graded", 6, "right", "right")
NOTHING_RAN = ("not_run", "not_run")
NO_JSON = Expected("unreadable", 0, *NOTHING_RAN, "no JSON")
NO_FILE = Expected("unreadable", 0, *NOTHING_RAN, "plain file")


@dataclass(frozen=True)
class Kind:
    """How a submission comes about, and what it must come to."""

    expected: Expected
    answers: dict[str, str]
    change: Callable[[Notebook], Notebook | bytes | None] = lambda notebook: None
    plant: Callable[[Path], None] = lambda folder: None


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
    "warns": Kind(FULL, {**BOTH, "double": WARNS}),
    "prints_a_lot": Kind(FULL, {**BOTH, "double": "def double(x):\n    print('y' * 3_000_000)\n    return 2 * x"}),
    "partial_and_loud": Kind(
        Expected("graded", 4, "right", "partial", "1 of 2 lists are right."),
        {**BOTH, "roots": "def roots(numbers):\n    print('y' * 300_000)\n    return [abs(x) ** 0.5 for x in numbers]"},
    ),
    "ends_in_a_flood": Kind(
        Expected("graded", 4, "wrong", "right", "For 3 the answer is 6, yours is 0."),
        {**BOTH, "double": "def double(x):\n    for _ in range(40):\n        print('n' * 9_000)\n    return 0"},
    ),
    "asks_for_input": Kind(
        Expected("graded", 4, "not_attempted", "right"),  # IPython's refusal is a NotImplementedError
        {**BOTH, "double": "def double(x):\n    return int(input())"},
    ),
    "quotes_the_test": Kind(
        Expected("graded", 4, "wrong", "right", "[a line of a hidden test]"), {**BOTH, "double": QUOTES_THE_TEST}
    ),
    "script": Kind(Expected("graded", 4, "wrong", "right", "<script>alert(2)"), {**BOTH, "double": SCRIPT}),
    "leaves": Kind(FULL, {**BOTH, "double": DOUBLE + "\nimport sys\nsys.exit(0)"}),
    # accidents of a run
    "looks_around": Kind(FULL, {**BOTH, "double": LOOKS_AROUND}),
    "leaves_a_process": Kind(FULL, {**BOTH, "double": LEAVES_A_PROCESS}),
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
    "many_slow_cells": Kind(Expected("timed_out", 2, "right", "not_run", "at its time limit"), BOTH, slow_cells),
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
    "unknown_grade_id": Kind(FULL, BOTH, invented),
    "byte_order_mark": Kind(FULL, BOTH, lambda notebook: b"\xef\xbb\xbf" + json.dumps(notebook).encode()),
    "half_surrogate": Kind(FULL, {**BOTH, "double": DOUBLE + "  # \ud800"}),
    "nbformat_3": Kind(FULL, BOTH, version_3),
    "odd_cells": Kind(FULL, BOTH, lambda notebook: notebook["cells"].extend([None, 7, {}, {"source": 3}])),
    # no notebook at all
    "truncated": Kind(NO_JSON, {}, lambda notebook: json.dumps(notebook)[:500].encode()),
    "binary": Kind(NO_JSON, {}, alone(bytes(range(256)))),
    "empty": Kind(NO_JSON, {}, alone(b"")),
    "a_list": Kind(Expected("unreadable", 0, *NOTHING_RAN, "no list of cells"), {}, alone(b"[1, 2]")),
    "deep": Kind(NO_JSON, {}, alone(b"[" * 200_000)),
    "too_large": Kind(Expected("unreadable", 0, *NOTHING_RAN, "Clear its outputs"), {}, alone(b" " * 3_000_000)),
    "too_many_cells": Kind(Expected("unreadable", 0, *NOTHING_RAN, "2001 cells"), {}, many_cells),
    "fifo": Kind(NO_FILE, {}, plant=fifo),
    "link_to_a_classmate": Kind(NO_FILE, {}, plant=link("../../perfect/toy/toy.ipynb")),
    "link_to_itself": Kind(NO_FILE, {}, plant=link("toy.ipynb")),
    "a_folder": Kind(Expected("unreadable", 0, *NOTHING_RAN, "is a folder and no plain file"), {}, plant=a_folder),
    "broken_version_3": Kind(
        Expected("unreadable", 0, *NOTHING_RAN, "no notebook of nbformat 3"), {}, alone(b'{"worksheets": 7}')
    ),
    "two_renamed": Kind(Expected("missing", 0, *NOTHING_RAN, "a.ipynb, b.ipynb"), {}, plant=two_renamed),
    "Zoë O'Hara-Müller v2.0": Kind(FULL, BOTH),
    "renamed": Kind(FULL, BOTH, plant=renamed),
    "nothing_handed_in": Kind(Expected("missing", 0, *NOTHING_RAN, "No notebook toy.ipynb"), {}, plant=taken_back),
    # files beside the notebook are not taken
    "own_random": Kind(FULL, {**BOTH, "double": "import random\n" + DOUBLE}, plant=beside("random.py", "1 / 0")),
    "own_kernel": Kind(FULL, BOTH, plant=beside("ipykernel_launcher.py", "1 / 0")),
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
