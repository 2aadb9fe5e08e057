"""The torch-free rooms are the standard library alone: they work where nothing is installed, and in a browser.

The browser's Python is Pyodide, CPython compiled to WebAssembly; node runs it here as a page would. It is no package of
pip: `npm install --prefix .ci/pyodide` fetches the version that `.ci/pyodide/package.json` names, and CI does so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = ROOT / ".ci/pyodide/node_modules/pyodide"
PROGRAM = "tests/course/torch_free.py"
INSTALL = "npm install --prefix .ci/pyodide --no-package-lock"


def why_not() -> str:
    """Return why Pyodide cannot be run here, or nothing."""
    wanted = json.loads((ROOT / ".ci/pyodide/package.json").read_text())["dependencies"]["pyodide"]
    found = json.loads((PYODIDE / "package.json").read_text())["version"] if PYODIDE.is_dir() else "none"
    if shutil.which("node") is None:
        return "no node here: apt install nodejs npm"
    return "" if found == wanted else f"Pyodide {wanted} is wanted and {found} is here: {INSTALL}"


def figures(*command: str | Path) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@cache
def bare() -> dict[str, Any]:
    """Return what a Python without site-packages computes: it sees the standard library and the repository."""
    return figures(sys.executable, "-S", PROGRAM, ROOT)


def test_every_module_of_the_torch_free_rooms_imports_where_nothing_is_installed():
    files = [path for path in (ROOT / "mini_lib").rglob("*.py") if path.stem != "__init__"]
    rooms = ("withheld", "config", "dispatch", "timing", "scheduling", "sim")
    dotted = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    expected = {name for name in dotted.values() if name.split(".")[1] in rooms}
    assert expected <= set(bare()["modules"])
    assert "mini_lib.timing.launch_queue" in expected


def test_the_torch_free_rooms_work_where_nothing_is_installed():
    assert bare()["dispatch"] == [[1, 2, 4, 8, 12, 16, 24], 12, 0.25]
    eager_us, graph_us, _ = bare()["timing"]
    assert eager_us > graph_us
    normal, overlap, in_leaps = bare()["sim"]
    assert normal != overlap == in_leaps


@pytest.mark.webassembly
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_the_torch_free_rooms_compute_the_same_in_webassembly():
    assert figures("node", ROOT / "tests/course/torch_free.mjs", PYODIDE, ROOT, PROGRAM) == bare()
