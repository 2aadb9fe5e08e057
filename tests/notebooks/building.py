"""The notebooks and their builder, for the tests: `.ci` is no package, so it is put on the path here."""

import sys
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="building notebooks needs nbclient: pip install -e .[instructor]")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))

import notebook_file  # noqa: E402
import notebooks  # noqa: E402

PATHS = notebooks.all_notebooks()
OFFLINE = """
import socket


def refuse(self, address):
    raise OSError(f"a notebook tried to reach {address}; the course runs without a network")


socket.socket.connect = socket.socket.connect_ex = refuse
"""


@cache
def rebuilt(path, offline):
    """Return the notebook at `path`, built anew by a kernel that reaches no network; `offline` holds sitecustomize."""
    return notebooks.built(path, {"PYTHONPATH": str(offline)})


def code_cells(path):
    """Return the code cells of the committed notebook, without the install cell."""
    cells = notebook_file.read(path).cells
    return [cell for cell in cells if cell.cell_type == "code"][1:]


def texts(output):
    """Return all that an output says in words."""
    data = output.get("data", {})
    return [output.get("text", ""), *(value for kind, value in data.items() if kind.startswith("text/"))]
