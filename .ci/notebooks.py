"""Re-execute the course's notebooks, byte for byte.

    python .ci/notebooks.py             execute every notebook and write it back
    python .ci/notebooks.py --check     execute, compare, write nothing; exit 1 where a file is not up to date
    python .ci/notebooks.py notebooks/03_record_once.ipynb     only this one

Each runs in a clean kernel, in an empty folder, on the CPU and with predictions of its own, so that nothing of this
machine gets into its outputs. Badge and install cell are written anew from pyproject.toml's urls.
The bytes are the same wherever the versions of constraints.txt are installed; elsewhere compare sources only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode

import notebook_file

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
TIMEOUT_S = 60  # for a whole cell; a notebook that comes near it is too slow for a student
SHOWN_BY = ("torch", "numpy", "matplotlib", "ipython", "ipykernel")  # what decides how an output looks

sys.path.insert(0, str(ROOT))  # autograde runs from the repository's root and is not installed
from autograde.first_cells import first_cells  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Build or check the notebooks and return the exit status."""
    parser = argparse.ArgumentParser(prog=".ci/notebooks.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks to build; all when none is named")
    parser.add_argument("--check", action="store_true", help="compare with what is committed and write nothing")
    asked = parser.parse_args(arguments)
    stale = [path for path in asked.paths or all_notebooks() if not _build(path.resolve(), asked.check)]
    if stale:
        print(f"Not up to date: {', '.join(path.name for path in stale)}. Run `make notebooks` and commit.")
    return 1 if stale else 0


def all_notebooks() -> list[Path]:
    """Return the course's notebooks in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def built(path: Path, extra_environment: Mapping[str, str] | None = None) -> NotebookNode:
    """Return the notebook at `path` refreshed, executed on the CPU and normalised; the file is not touched.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised, or (CellTimeoutError) ran for more than a minute.
    """
    notebook = refreshed(path)
    executed(notebook, {"CUDA_VISIBLE_DEVICES": "", **(extra_environment or {})})
    return notebook_file.normalised(notebook, path.stem)


def refreshed(path: Path) -> NotebookNode:
    """Return the notebook with badge and install cell as `first_cells` makes them, and without outputs."""
    notebook = notebook_file.read(path)
    first = first_cells(f"notebooks/{path.name}")
    notebook.cells[0].source = _with_badge(notebook.cells[0].source, first.badge)
    notebook.cells[1].source = first.install
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook_file.normalised(notebook, path.stem)


def executed(notebook: NotebookNode, environment: Mapping[str, str]) -> None:
    """Run all cells of `notebook` in a clean kernel and an empty folder, and put the outputs into it."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"LAUNCH_BOUND_PREDICTIONS": f"{folder}/predictions.json", "IPYTHONDIR": f"{folder}/ipython"}
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_S,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**_quiet_environment(), **own, **environment})


def is_pinned() -> bool:
    """Tell whether this environment has the versions of constraints.txt, and so gives the same bytes."""
    pins = _pins((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    return all(_version(name) == pins[name] for name in SHOWN_BY)


def _build(path: Path, only_check: bool) -> bool:
    """Build one notebook; write it, or return whether the file is what it should be."""
    new = notebook_file.text(built(path))
    is_current = path.read_text(encoding="utf-8") == new
    if not only_check and not is_current:
        path.write_text(new, encoding="utf-8")
    print(f"{path.name:<28}{'up to date' if is_current else 'differs' if only_check else 'written'}", flush=True)
    return is_current or not only_check


def _with_badge(source: str, badge: str) -> str:
    """Return the first cell with `badge` as its last line, in place of an older badge."""
    kept = [line for line in source.splitlines() if "colab-badge.svg" not in line]
    return "\n".join(kept).rstrip() + f"\n\n{badge}"


def _quiet_environment() -> dict[str, str]:
    """Return this process's environment without what would change an output: a lab, a backend, nbgrader's modes."""
    noisy = ("LAUNCH_BOUND", "MPLBACKEND", "NBGRADER", "PYTEST", "PYTHONSTARTUP")
    return {name: value for name, value in os.environ.items() if not name.startswith(noisy)}


def _pins(lines: Iterable[str]) -> dict[str, str]:
    return dict(line.split(";")[0].strip().split("==") for line in lines if "==" in line and not line.startswith("#"))


def _version(name: str) -> str | None:
    """Return the installed version of `name` without its local part: 2.13.0 for 2.13.0+cpu."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
