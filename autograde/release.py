"""From a lab's source to the notebook that students get, through nbgrader's own `generate_assignment`.

The converter runs in a scratch folder that holds the built notebook and nothing else: `reference.py` and
`mutants.py` cannot slip into a release, and a run that fails leaves the released file as it was.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveCells
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from traitlets.log import get_logger

from autograde.build import build
from autograde.course import CannotGrade, Course, Lab

SECRET = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(?P<text>.*?)### END \1", re.DOTALL)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(?P<text>.*?)### END HIDDEN TESTS", re.DOTALL)
ERROR_LINE = re.compile(r"[\w.]+(Error|Exception|Entry): ")  # some libraries write more lines behind it
SHORTEST_TELLING_LINE = 12  # below that a line such as `return x` tells nothing


class Built(NamedTuple):
    """A lab in its two forms: with solutions and hidden tests, and as students get it."""

    source: NotebookNode
    release: NotebookNode


def nbgrader_config() -> Config:
    """Return what `autograde/nbgrader_config.py` sets."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(Path(__file__).parent)).load_config()


def generate(source: NotebookNode, lab: str, db_url: str = "") -> NotebookNode:
    """Return the release of a built notebook; with a `db_url` its cells are registered in that gradebook too.

    Raises:
        CannotGrade: nbgrader refuses, for example because cells were added or removed after students handed in.
    """
    with tempfile.TemporaryDirectory() as scratch:
        config = _scratch_config(Path(scratch), lab, db_url)
        handed = Path(scratch) / "source" / lab / f"{lab}.ipynb"
        handed.parent.mkdir(parents=True)
        nbformat.write(source, handed)
        with _nbgrader_at_work(lab):
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
        return nbformat.read(Path(scratch) / "release" / lab / f"{lab}.ipynb", as_version=4)


@contextlib.contextmanager
def own_commands_on_path() -> Iterator[None]:
    """Let nbgrader find the `alembic` command, which lies beside this Python: a new gradebook asks it for a version."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _nbgrader_at_work(lab: str) -> Iterator[None]:
    """Keep the current folder as it was, and turn nbgrader's log into the sentence of an error."""
    here, heard = Path.cwd(), _Heard()
    get_logger().addHandler(heard)
    try:
        with own_commands_on_path():
            yield
    except (NbGraderException, RuntimeError) as error:
        raise CannotGrade(f"nbgrader could not make the release of {lab}: {heard.last or error}") from error
    finally:
        get_logger().removeHandler(heard)
        os.chdir(here)


class _Heard(logging.Handler):
    """Remembers the line of the last traceback that nbgrader logged which names the error."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        lines = record.getMessage().strip().splitlines()
        if lines and lines[0].startswith("Traceback"):
            told = [line for line in lines if ERROR_LINE.match(line)]
            self.last = (told or lines)[-1]


def _scratch_config(scratch: Path, lab: str, db_url: str) -> Config:
    config = nbgrader_config()
    config.CourseDirectory.merge(
        {
            "root": str(scratch),
            "source_directory": "source",
            "release_directory": "release",
            "db_url": db_url,
            "assignment_id": lab,
        }
    )
    if not db_url:
        config.GenerateAssignment.no_database = True
        config.GenerateAssignment.preprocessors = [
            step for step in GenerateAssignment.preprocessors.default() if step is not SaveCells
        ]
    return config


def released(lab: Lab, seed: int, pyproject: Path) -> Built:
    """Build a lab and release it.

    Raises:
        CannotGrade: an answer would reach the students.
    """
    source = build(lab, seed, pyproject)
    release = generate(source, lab.name)
    leaked = leaks(source, release)
    if leaked:
        shown = "\n".join(leaked)
        raise CannotGrade(f"{lab.name}: the release would show lines of the solution or of hidden tests:\n{shown}")
    return Built(source, release)


def release(course: Course, lab: Lab) -> bytes:
    """Return the bytes of the student's notebook; the built source is left beside its .py, for nbgrader's commands."""
    built = released(lab, course.seed(lab, course.submitted), course.root / "pyproject.toml")
    nbformat.write(built.source, lab.source.with_suffix(".ipynb"))
    return (nbformat.writes(built.release) + "\n").encode()


def leaks(source: NotebookNode, release: NotebookNode) -> list[str]:
    """Return the lines of solutions and hidden tests that stand in a released notebook."""
    shown = {line.strip() for cell in release.cells for line in cell.source.splitlines()}
    return [line for line in secret_lines(source) if line in shown]


def secret_lines(source: NotebookNode, pattern: re.Pattern[str] = SECRET) -> list[str]:
    """Return the telling lines that stand in no visible part of the source, stripped, in order.

    `pattern` says which parts are meant: `SECRET` solutions and hidden tests, `HIDDEN` the latter alone.
    """
    visible = {line.strip() for cell in source.cells for line in SECRET.sub("", cell.source).splitlines()}
    parts = [part["text"] for cell in source.cells for part in pattern.finditer(cell.source)]
    secret = [line.strip() for part in parts for line in part.splitlines()]
    return [line for line in dict.fromkeys(secret) if len(line) >= SHORTEST_TELLING_LINE and line not in visible]
