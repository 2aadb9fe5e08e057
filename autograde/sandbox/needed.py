"""What the labs of a course import, read off their released notebooks: to be preloaded, and to be shown in the box.

The grader knows no library by name. Names come from the cells that every student gets; nothing of a test is read.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from autograde.course import ROOT, CannotGrade

INSIDE = ROOT / "autograde" / "inside"


def imports(course_root: Path) -> tuple[str, ...]:
    """Return what the released labs import, as "module" and "module:name", sorted."""
    found: set[str] = set()
    for path in sorted(course_root.glob("labs/*/*.ipynb")):
        for source in _code(path):
            found |= set(_imported(source))
    return tuple(sorted(found))


def folders(names: tuple[str, ...]) -> list[Path]:
    """Return the packages among `names`, and among what `inside` imports, that lie outside of Python's own folders."""
    tops = {name.partition(":")[0].partition(".")[0] for name in (*names, *_imported_inside())} - {"autograde"}
    found = [_home(top) for top in sorted(tops - sys.stdlib_module_names)]
    pythons = (sys.prefix, sys.base_prefix)
    return [path for path in found if path and not any(path.is_relative_to(root) for root in pythons)]


def _home(top: str) -> Path | None:
    """Return the folder of a package, or the file of a module; None where it is not found, or has no one place."""
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.origin or not spec.has_location:
        return None
    origin = Path(spec.origin).resolve()
    return origin.parent if spec.submodule_search_locations else origin


def _code(path: Path) -> Iterator[str]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotGrade(f"{path} is no notebook ({error}). Make it anew: python -m autograde release") from error


@functools.cache
def _imported_inside() -> frozenset[str]:
    return frozenset(name for path in INSIDE.glob("*.py") for name in _imported(path.read_text(encoding="utf-8")))


def _imported(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, or a gap for the student to fill
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}:{alias.name}" for alias in node.names if alias.name != "*")
