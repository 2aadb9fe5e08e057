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

from autograde.course import Limits
from autograde.inside.align import grade_id
from autograde.inside.outputs import error_output, output_from_text

CUT = "\n... a part of this cell's output was cut off here ...\n"
KEPT_END = 2_000  # characters
SHOWN = ("stream", "display_data", "execute_result", "update_display_data")
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
        self.ends: dict[int, str] = {}  # of output that was cut off, by cell
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
        if kwargs["cell_index"] in self.ends:
            _append_text(kwargs["cell"], CUT + self.ends[kwargs["cell_index"]])
        if any(output.get("ename") == TIMED_OUT for output in kwargs["cell"].outputs):
            self.ended, self.sentence = "timed_out", f"A cell was stopped after {self.limits.cell_seconds} s"

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take outputs until the cell has shown enough; a flood must not fill the grader's memory.

        A small result is always taken, because it may be the score; of what is cut off the end is kept, because a
        test says its sentence there.
        """
        if msg["msg_type"] not in SHOWN:
            return super().process_message(msg, cell, cell_index)
        size, most = len(str(msg["content"])), self.limits.cell_output_bytes
        if msg["msg_type"] == "execute_result" and size <= most:
            return super().process_message(msg, cell, cell_index)
        shown = self.bytes_shown.get(cell_index, 0)
        self.bytes_shown[cell_index] = shown + size
        if shown + size <= most:
            return super().process_message(msg, cell, cell_index)
        text = str(msg["content"].get("text", ""))
        self.ends[cell_index] = (self.ends.get(cell_index, "") + text)[-KEPT_END:]
        return None

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


def _append_text(cell: NotebookNode, text: str) -> None:
    """Put text behind what a cell printed, and before the result or error in which it ended."""
    printed = [index for index, output in enumerate(cell.outputs) if output.output_type == "stream"]
    cell.outputs.insert(printed[-1] + 1 if printed else 0, output_from_text(text))
