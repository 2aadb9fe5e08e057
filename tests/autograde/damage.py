"""What happens to notebooks between a student and a grader: copied, split, resaved, robbed of metadata, edited.

Each function changes a released notebook in place, or returns what stands in its file instead.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOUBLE = "def double(x):\n    return 2 * x"
ROOTS = "def roots(numbers):\n    return [x ** 0.5 if x >= 0 else None for x in numbers]"
STUB = 'def double(x):\n    """Return x twice over."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
BOTH = {"double": DOUBLE, "roots": ROOTS}
Notebook = dict[str, Any]


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


def position(notebook: Notebook, name: str) -> int:
    return notebook["cells"].index(cell(notebook, name))


def without(name: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"].remove(cell(notebook, name))


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def slow_cells(notebook: Notebook) -> None:
    """Each within the limit of a cell, together beyond that of a notebook."""
    where = position(notebook, "roots")
    notebook["cells"][where:where] = [code("import time; time.sleep(1.6)") for _ in range(8)]


def many_cells(notebook: Notebook) -> None:
    notebook["cells"] = [code("1")] * 2001


def invented(notebook: Notebook) -> None:
    """A cell that gives itself points."""
    marks = {"grade_id": "invented", "grade": True, "points": 9, "locked": True, "solution": False, "schema_version": 3}
    notebook["cells"].append(code("pass", metadata={"nbgrader": marks}))


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
    def plant(folder: Path) -> None:
        (folder / name).write_text(text)

    return plant


def renamed(folder: Path) -> None:
    """What a browser does to the second download."""
    (folder / "toy.ipynb").rename(folder / "toy (1).ipynb")


def taken_back(folder: Path) -> None:
    (folder / "toy.ipynb").unlink()


def a_folder(folder: Path) -> None:
    """A folder with the notebook's name, as some archives unpack."""
    (folder / "toy.ipynb").unlink()
    (folder / "toy.ipynb").mkdir()


def two_renamed(folder: Path) -> None:
    """Two notebooks, and nothing says which of them counts."""
    (folder / "b.ipynb").write_bytes((folder / "toy.ipynb").read_bytes())
    (folder / "toy.ipynb").rename(folder / "a.ipynb")
