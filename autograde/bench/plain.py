"""What a lab itself costs: the cells of a notebook, tests included, in a plain forked process.

    python -m autograde.bench.plain COURSE LAB FOLDER     prints {"student": seconds of a processor}

No sandbox, no second process, nobody who judges; all imports are done before the fork. This time is part of every
grader's, so it stands beside theirs. Only for notebooks that were made here: nothing keeps their code from anything.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograde.build import build
from autograde.course import Course
from autograde.inside.align import grade_id
from autograde.inside.preload import preload
from autograde.inside.shell import draw_inline, prepared, take_over
from autograde.inside.shown import Shown
from autograde.inside.student import enter_lab, seed_everything
from autograde.sandbox import needed


def main(arguments: list[str]) -> None:
    """Print the seconds of every student of the folder who handed the lab in."""
    course, folder = Course(Path(arguments[0])), Path(arguments[2])
    lab = course.lab(arguments[1])
    built = build(lab, lab.seed, course.root / "pyproject.toml")
    tests = {grade_id(cell): cell.source for cell in built.cells if cell.metadata.get("nbgrader", {}).get("locked")}
    preload(needed.imports(course.root), True)
    enter_lab(lab.environment)
    draw_inline(prepared())
    prepared().run("None", 0)
    print(json.dumps({path.parent.parent.name: _seconds(path, tests) for path in _notebooks(folder, lab.name)}))


def _notebooks(folder: Path, lab: str) -> list[Path]:
    return sorted(folder.glob(f"*/{lab}/{lab}.ipynb"))


def _seconds(path: Path, tests: Mapping[str, str]) -> float:
    """Run one notebook in a fork, and return what that took."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    back, forth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(forth, str(_run(notebook, tests)).encode())
        finally:
            os._exit(0)
    os.close(forth)
    with os.fdopen(back) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return float(text)


def _run(notebook: dict[str, Any], tests: Mapping[str, str]) -> float:
    seed_everything()
    shell = prepared()
    take_over(shell, Shown())
    began = time.process_time()
    for count, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            shell.run(tests.get(name, "".join(cell["source"])), count)
    return time.process_time() - began


if __name__ == "__main__":
    main(sys.argv[1:])
