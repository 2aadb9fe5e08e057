"""Run mutmut over a lab's solution: are there changes to the answers that the lab's tests do not notice?

    python -m tests.labs.mutation lab04        minutes; prints each survivor as a difference

mutmut changes functions in files, and a lab's answers stand in notebook cells. So the answers are put into one file of
a scratch folder, with a test that runs the lab's own test cells on them. Survivors that change nothing that can be
observed are listed with their reason in `solutions/<lab>/survivors.md`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.labs.cells import ROOT, LabNotebook, exercise_of

SETTINGS = """
[tool.mutmut]
source_paths = ["answers.py"]
paths_to_mutate = ["answers.py"]
tests_dir = ["test_answers.py"]
also_copy = ["test_answers.py"]
"""
TEST = """
import answers
from mini_lib import withheld
from tests.labs.cells import LabNotebook, exercise_of, graded

NOTEBOOK = LabNotebook("{lab}")


def test_the_answers_earn_all_points():
    NOTEBOOK.solved
    withheld.begin("{short}")
    own = {{name: value for name, value in vars(answers).items() if not name.startswith("__")}}
    for cell in NOTEBOOK.cells:
        if exercise_of(cell):
            assert graded(cell, {{**NOTEBOOK.solved, **own}}).sentence == "", cell.grade_id
"""


def main(short: str) -> int:
    """Write the scratch folder, run mutmut in it, print the survivors; return how many there are."""
    lab = LabNotebook(short)
    exercises = {exercise_of(cell) for cell in lab.cells} - {""}
    cells = [cell.source for cell in lab.cells if cell.grade_id in exercises or cell.source.startswith("def grid(")]
    functions = [re.sub(r"^grid\(20\)$", "", source, flags=re.MULTILINE) for source in cells]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "answers.py").write_text("\n\n\n".join(functions), encoding="utf-8")
        (folder / "test_answers.py").write_text(TEST.format(lab=lab.lab.name, short=short), encoding="utf-8")
        (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        return _survivors(folder)


def _survivors(folder: Path) -> int:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NBGRADER_EXECUTION": "autograde"}

    def mutmut(*words: str) -> str:
        command = [sys.executable, "-m", "mutmut", *words]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout

    print(mutmut("run", "--max-children", "2")[-400:])
    names = re.findall(r"(\S+): (survived|no tests|suspicious)", mutmut("results"))
    for name, state in names:
        print(f"--- {state}: {name}\n{mutmut('show', name)}")
    return len(names)


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) >= 0 else 1)
