"""One notebook from its first cell to its last: what runs where, for how long, and what is said where it stops.

    an answer, a cell of the student's own, a plain cell      in the student's process
    a plain cell as released that only shows something        nowhere: nobody looks
    a locked cell without points                              in the student's process (as released), and here
    a test                                                    here

In the mode "in_process" all of it runs in the student's process, and a test between canaries (`in_process.py`).
Whatever ends a walk early (the student's process died, or is deaf), what ran before keeps its outputs and its points.
Every test that did not run gets an error, because a test cell without output has full points.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Mapping

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.inside.align import grade_id, is_answer, is_locked, is_test
from autograde.inside.examiner import Ended, Examiner
from autograde.inside.in_process import canaries, tested
from autograde.inside.job import IN_PROCESS, Job
from autograde.inside.outputs import error_output, fair, output_from_text
from autograde.inside.peer import Gone
from autograde.inside.replies import Walked
from autograde.inside.shown import Output

NOBODY_LOOKS = "(Not run by the grader: this cell only shows something.)"
TIMED_OUT = "CellTimeoutError"  # the name that nbgrader gives to a cell which it interrupted


class _OutOfTime(Exception):
    """The notebook has used up the time of a whole submission."""


class Walk:
    """Runs a notebook cell by cell, and leaves in each what it showed."""

    def __init__(self, notebook: NotebookNode, release: NotebookNode, job: Job, by: Examiner) -> None:
        self.notebook, self.tests, self.by, self.limits = notebook, job.tests, by, by.limits
        self.songs = canaries(job.tests.values()) if job.mode == IN_PROCESS else None
        self.released = {grade_id(cell): cell.source for cell in release.cells}
        self.for_show = {cell.id: cell.source for cell in release.cells if shows_only(cell)}
        self.names = list(answer_names(release))
        self.code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        self.walked = Walked()
        self.done: set[int] = set()
        self.why_stopped = ""

    def run(self, files: Mapping[str, str]) -> Walked:
        """Walk, with these files beside the notebook, and return how it went."""
        end = time.monotonic() + self.limits.submission_seconds
        try:
            self.by.hand_over(files)
            for count, (index, cell) in enumerate(self.code, 1):
                self._cell(cell, count, end)
                self.done.add(index)
        except _OutOfTime:
            seconds = self.limits.submission_seconds
            self._stop("timed_out", f"Your notebook was stopped at its time limit of {seconds:g} s")
        except Gone as gone:
            self._stop(*self._gone(gone, time.monotonic() >= end))
        self._mark_what_did_not_run()
        return self.walked

    def _cell(self, cell: NotebookNode, count: int, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        cell.execution_count = count
        self.by.start_clock(min(left, self.limits.cell_seconds))
        try:
            ended = self._run(cell, count)
        finally:
            late = self.by.stop_clock()
        cell.outputs = [nbformat.from_dict(output) for output in ended.outputs]
        self._keep(cell, ended)
        if late and _error(ended.outputs):
            if left < self.limits.cell_seconds:
                raise _OutOfTime
            self._say_it_was_late(cell, ended)

    def _run(self, cell: NotebookNode, count: int) -> Ended:
        name = grade_id(cell)
        if is_test(cell):
            cell.source = self.tests.get(name, cell.source)
            return self._tested(cell, count)
        if self.for_show.get(cell.id) == cell.source:
            return Ended([output_from_text(NOBODY_LOOKS)])
        if not is_locked(cell):
            return self.by.student_cell(cell.source, count)
        if self.songs is not None:
            return self.by.student_cell(self.tests.get(name, cell.source), count)
        ended = self.by.student_cell(self.released.get(name, cell.source), count)
        here = self.by.test_cell(self.tests.get(name, cell.source), count, self.names)
        if here.error is not None:
            self.walked.log.append(f"The locked cell {name} ended here in {type(here.error).__name__}: {here.error}")
        return ended

    def _tested(self, cell: NotebookNode, count: int) -> Ended:
        points = float(cell.metadata.nbgrader.points)
        if self.songs is None:
            ended = self.by.test_cell(cell.source, count, self.names)
        else:
            ended = tested(self.by, cell.source, count, self.songs)
        return Ended([fair(nbformat.from_dict(output), points) for output in ended.outputs], ended.error, ended.frames)

    def _keep(self, cell: NotebookNode, ended: Ended) -> None:
        name, wrong_idea = grade_id(cell), getattr(ended.error, "misconception", None)
        if ended.frames:
            self.walked.frames[name] = ended.frames
        if isinstance(wrong_idea, str):
            self.walked.misconceptions[name] = wrong_idea

    def _say_it_was_late(self, cell: NotebookNode, ended: Ended) -> None:
        """Put the time limit in front of the error by which it acts: that is what its author must read."""
        seconds = self.limits.cell_seconds
        told = str(ended.error) if type(ended.error).__name__ == "WrongAnswer" else "Look for a loop that does not end."
        sentence = f"It was stopped at the time limit. A cell may take {seconds:g} s. {told}"
        cell.outputs = [*cell.outputs, error_output(TIMED_OUT, sentence)]
        if self.walked.status == "graded":
            self._stop("timed_out", f"A cell was stopped after {seconds:g} s")

    def _gone(self, gone: Gone, at_the_end: bool) -> tuple[str, str]:
        """Return status and sentence for a student's process that answers no more."""
        if gone.how == "silent":
            seconds = self.limits.submission_seconds if at_the_end else self.limits.cell_seconds
            what = "" if at_the_end else " for a cell"
            return "timed_out", f"Your notebook was stopped at its time limit of {seconds:g} s{what}"
        what = "" if gone.how == "closed" else ", or could not be understood any more"
        return "kernel_died", f"Python ended while your notebook ran{what}"

    def _stop(self, status: str, sentence: str) -> None:
        self.walked.status, self.why_stopped = status, sentence
        self.walked.sentence = f"{sentence}{self._where()}."

    def _where(self) -> str:
        """Return in which cell it was, the first that is not done. One without a name may be the student's own."""
        left = [grade_id(cell) for index, cell in self.code if index not in self.done]
        named = next(filter(None, left), "")
        if not named:
            return " (in a cell near the end)" if left else ""
        return f" (at the cell `{named}`)" if left[0] else f" (in a cell before `{named}`)"

    def _mark_what_did_not_run(self) -> None:
        for index, cell in enumerate(self.notebook.cells):
            if is_test(cell) and index not in self.done:
                cell.source = self.tests.get(grade_id(cell), cell.source)
                cell.outputs = [error_output("NotRun", f"{self.why_stopped}, before this test was done.")]


def shows_only(cell: NotebookNode) -> bool:
    """Tell whether a cell of the release is there to be looked at: calls alone, which leave no name behind."""
    if cell.cell_type != "code" or grade_id(cell):
        return False
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:  # a magic
        return False
    named = any(isinstance(node, ast.NamedExpr) for statement in body for node in ast.walk(statement))
    return all(isinstance(statement, ast.Expr) for statement in body) and not named


def answer_names(release: NotebookNode) -> Iterator[str]:
    """Yield each name that an answer cell of the release defines at its top level."""
    for cell in release.cells:
        if cell.cell_type == "code" and is_answer(cell):
            for node in ast.parse(cell.source).body:
                yield from _defined(node)


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _error(outputs: list[Output]) -> bool:
    return any(output["output_type"] == "error" for output in outputs)
