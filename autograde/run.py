"""One submission in one process: read, align, run, and leave the graded notebook. The seam for the sandbox.

`run_submission` is started in a process of its own, which it bounds, scrubs and detaches before the first line of a
student is read. It opens no gradebook: the cells to put back come from a read-only copy of the lab. What it leaves
in `job.workspace` is `outcome.json`, `graded.ipynb` and `log.txt`; it has the last word only on these.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, Execute, SaveAutoGrades
from traitlets.config import Config
from traitlets.log import get_logger
from traitlets.utils.importstring import import_item

from autograde.course import Lab
from autograde.execute import BoundedExecute
from autograde.ingest import MAX_STUDENT_FILE, Missing, read_cells, read_plain
from autograde.inside.align import align
from autograde.inside.handed_in import Unreadable
from autograde.inside.outputs import error_output
from autograde.inside.results import to_json, write_whole
from autograde.limits import bound_this_process, scrubbed


@dataclass(frozen=True)
class Job:
    """All that a process needs to grade one submission."""

    student: str
    lab: Lab
    submission: Path  # the folder that holds <lab>.ipynb
    workspace: Path  # empty, the process's own
    release: Path  # the released notebook
    cells_db: str  # nbgrader database with the lab's cells and no student
    fonts: Path  # matplotlib's cache, filled by the first kernel that draws
    mark: str  # names this job's processes


class Outcome(NamedTuple):
    """How a run ended: a status of `results.STATUSES`, a sentence, and what was repaired."""

    ended: str
    sentence: str
    notes: tuple[str, ...] = ()


def run_submission(job: Job) -> None:
    """Grade one submission in this process, which serves nothing else. Never raises for a bad submission."""
    os.setsid()
    log = os.open(job.workspace / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    get_logger().addHandler(logging.StreamHandler())
    bound_this_process(job.lab.limits)
    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as home:
        kept = scrubbed(os.environ, Path(home), job.mark, {"MPLCONFIGDIR": str(job.fonts), **job.lab.environment})
        os.environ.clear()
        os.environ.update(kept)
        notebook, outcome = _graded(job, Path(home))
    nbformat.write(notebook, job.workspace / "graded.ipynb")
    write_whole(job.workspace / "outcome.json", to_json(outcome._asdict()))


def _graded(job: Job, home: Path) -> tuple[NotebookNode, Outcome]:
    release = nbformat.read(job.release, as_version=4)
    try:
        cells = read_cells(job.submission, job.lab.name, job.lab.limits.notebook_bytes)
        aligned = align(cells, release)
        folder = home / "work"
        folder.mkdir()
        _bring_student_files(job, folder)
        notebook, outcome = _executed(aligned.notebook, job, folder)
        return notebook, outcome._replace(notes=aligned.notes)
    except Missing as error:
        return without_runs(release, str(error)), Outcome("missing", str(error))
    except Unreadable as error:
        return without_runs(release, str(error)), Outcome("unreadable", str(error))
    except Exception as error:  # the class goes on, and the instructor reads why
        traceback.print_exc()
        sentence = (
            f"The grader failed on this notebook ({type(error).__name__}: {str(error)[:200]}). It is not your fault."
        )
        return without_runs(release, sentence), Outcome("grader_error", sentence)


def _bring_student_files(job: Job, folder: Path) -> None:
    """Copy the files that the lab allows beside the notebook, and no other: a `numpy.py` would be imported."""
    for name in job.lab.student_files:
        path = job.submission / name
        if os.path.lexists(path):
            (folder / Path(name).name).write_bytes(read_plain(path, MAX_STUDENT_FILE))


def _executed(notebook: NotebookNode, job: Job, folder: Path) -> tuple[NotebookNode, Outcome]:
    """Run nbgrader's own steps over the notebook; its gradebook is written later, by the one writer."""
    from autograde.release import nbgrader_config

    config = nbgrader_config()
    config.KernelManager = _kernel_sockets(folder.parent)
    marks = {"notebook": job.lab.name, "assignment": job.lab.name, "student": job.student, "db_url": job.cells_db}
    resources: Any = {"nbgrader": marks, "metadata": {"path": str(folder)}, "unique_key": job.lab.name}
    execute = BoundedExecute(job.lab.limits, config)
    for step in _steps(config):
        made = execute if step is Execute else step(config=config)
        notebook, resources = made(notebook, resources)  # a call, which passes over a step that is not enabled
    return notebook, Outcome(execute.ended, execute.sentence)


def _kernel_sockets(home: Path) -> Config:
    """Return settings by which a kernel talks through socket files in `home` and opens no port.

    jupyter_client chooses a TCP port, lets go of it, and the kernel binds it later: of many kernels at once, now and
    then one finds its port taken and dies before the first cell.
    """
    return Config(transport="ipc", ip=str(home / "kernel"))


def _steps(config: Config) -> list[Any]:
    """Return the preprocessors of `nbgrader autograde` as configured, without the two that write a gradebook."""
    converter = Autograde(coursedir=CourseDirectory(config=config), config=config)
    named = [*converter.sanitize_preprocessors, *converter.autograde_preprocessors]
    steps = [import_item(step) if isinstance(step, str) else step for step in named]
    return [step for step in steps if step not in (SaveAutoGrades, AssignLatePenalties)]


def without_runs(release: NotebookNode, sentence: str) -> NotebookNode:
    """Return a notebook in which no test ran, so that every graded cell comes to 0."""
    for cell in release.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [error_output("NotRun", sentence)]
    return release


def read_outcome(workspace: Path) -> Outcome | None:
    """Return what a finished process left, or None when it left nothing that can be read."""
    try:
        found = json.loads((workspace / "outcome.json").read_text(encoding="utf-8"))
        return Outcome(found["ended"], found["sentence"], tuple(found["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
