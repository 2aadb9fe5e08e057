"""nbgrader's `Execute`, bounded: in time per notebook and in output per cell, and honest about what did not run.

Whatever ends a run early (the kernel died, time is up), what ran before keeps its outputs and its points. Every
graded cell that did not run gets an error, because nbgrader gives full points to a test cell without output.
"""

from __future__ import annotations

import time
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import Execute
from traitlets.config import Config

from autograde.align import grade_id
from autograde.course import Limits
from autograde.outputs import error_output

CUT = "\n... the rest of this cell's output was cut off ...\n"
TIMED_OUT = "CellTimeoutError"  # the name that nbgrader gives to a cell which it interrupted


class OutOfTime(Exception):
    """The notebook used up the time of a whole submission."""


class BoundedExecute(Execute):
    """Runs a notebook in a fresh kernel, within `limits`. After a run `ended` says how it went."""

    def __init__(self, limits: Limits, config: Config) -> None:
        super().__init__(config=config, record_timing=False)  # times would differ from run to run
        self.limits = limits
        self.ended, self.sentence = "graded", ""
        self.done: set[int] = set()
        self.bytes_shown: dict[int, int] = {}
        self.deadline = 0.0

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        self.deadline = time.monotonic() + self.limits.submission_seconds
        self.timeout_func = self._seconds_for
        try:
            nb, resources = super().preprocess(nb, resources, km)
        except DeadKernelError:
            self.ended, self.sentence = "kernel_died", "Python ended while your notebook ran"
        except (CellTimeoutError, OutOfTime):
            self.ended, self.sentence = "timed_out", "Your notebook was stopped at its time limit"
        self._mark_what_did_not_run(nb)
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type == "code" and time.monotonic() >= self.deadline:
            raise OutOfTime
        return super().preprocess_cell(cell, resources, index)

    def _seconds_for(self, _cell: NotebookNode) -> int:
        return max(1, min(self.limits.cell_seconds, int(self.deadline - time.monotonic())))

    def on_cell_executed(self, **kwargs: Any) -> None:
        super().on_cell_executed(**kwargs)
        self.done.add(kwargs["cell_index"])
        if any(output.get("ename") == TIMED_OUT for output in kwargs["cell"].outputs):
            self.ended, self.sentence = "timed_out", f"A cell was stopped after {self.limits.cell_seconds} s"

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take outputs until the cell has shown enough; a flood must not fill the grader's memory."""
        if msg["msg_type"] not in ("stream", "display_data", "execute_result", "update_display_data"):
            return super().process_message(msg, cell, cell_index)
        before = self.bytes_shown.get(cell_index, 0)
        after = before + len(str(msg["content"]))
        if msg["msg_type"] != "execute_result":  # it may be a score, and comes once a cell
            self.bytes_shown[cell_index] = after
        if before > self.limits.cell_output_bytes:
            return None
        if after > self.limits.cell_output_bytes:
            msg["msg_type"], msg["header"]["msg_type"] = "stream", "stream"
            msg["content"] = {"name": "stdout", "text": _start(msg["content"], self.limits.cell_output_bytes - before)}
        return super().process_message(msg, cell, cell_index)

    def handle_comm_msg(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Ignore widgets: nobody moves a slider while a notebook is graded."""

    def _mark_what_did_not_run(self, nb: NotebookNode) -> None:
        """Give an error to each test that did not run; the one that was running when it ended comes first."""
        why = f"{self.sentence}, before this test was done."
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code" and utils.is_grade(cell) and index not in self.done:
                cell.outputs = [error_output("NotRun", why)]
        if self.ended != "graded":
            self.sentence += f" (at the cell `{self._stopped_at(nb)}`)." if self._stopped_at(nb) else "."

    def _stopped_at(self, nb: NotebookNode) -> str:
        """Return the name of the first graded or answer cell that did not run to its end."""
        cut = [index for index, cell in enumerate(nb.cells) if index not in self.done or _timed_out(cell)]
        return next((grade_id(nb.cells[index]) for index in cut if _runs(nb.cells[index])), "")


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(grade_id(cell))


def _timed_out(cell: NotebookNode) -> bool:
    return any(output.get("ename") == TIMED_OUT for output in cell.get("outputs", []))


def _start(content: dict[str, Any], most: int) -> str:
    return str(content.get("text", ""))[: max(most, 0)] + CUT
