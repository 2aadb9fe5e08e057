"""What the tools made, taken away; what people made stays."""

from __future__ import annotations

import shutil
from pathlib import Path

MADE = (
    ".venv", "build", "dist", "*.egg-info", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "mutants",
    "solutions/*/*.ipynb", ".ci/pyodide/node_modules",
)  # fmt: skip
LITTER = {"__pycache__", ".ipynb_checkpoints"}
OURS = ("mini_lib", "autograde", "solutions", "labs", "notebooks", "tests", ".ci")


def clean(root: Path) -> str:
    """Remove the environment and all caches under `root`; return a sentence that says what went and what stays.

    work/ is not looked at, nor is what grading leaves in autograde/: gradebooks hold marks that people gave.
    """
    made = [path for pattern in MADE for path in root.glob(pattern)]
    litter = [path for folder in OURS for path in (root / folder).rglob("*") if path.name in LITTER]
    for path in made + litter:
        remove(path)
    return f"Removed {len(made) + len(litter)} things that tools made. work/ and what grading left are as they were."


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
