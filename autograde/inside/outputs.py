"""What a test cell printed, made fair before nbgrader turns it into a score.

nbgrader gives 0 points to a test cell that wrote a warning to stderr, lets a score of NaN into the gradebook, and
stops on one above the cell's points. The preprocessor here stands right behind `Execute`, in our runner and in
`nbgrader autograde` alike, so both give the same score.
"""

from __future__ import annotations

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor


class FairOutputs(NbGraderPreprocessor):
    """Turns stderr of test cells into plain output, and impossible scores into errors."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type == "code" and utils.is_grade(cell):
            points = float(cell.metadata.nbgrader["points"])
            cell.outputs = [fair(output, points) for output in cell.outputs]
        return cell, resources


def fair(output: NotebookNode, points: float) -> NotebookNode:
    """Return an output of a test cell as it should be scored."""
    if output.output_type == "stream" and output.name == "stderr":
        output.name = "stdout"
    if output.output_type == "execute_result" and not _possible(output, points):
        shown = str(output.data.get("text/plain"))[:80]
        return error_output("ScoreOutOfRange", f"The test came to a score of {shown}; possible is 0 to {points:g}.")
    return output


def _possible(output: NotebookNode, points: float) -> bool:
    """Tell whether a result is either no number at all (nbgrader: full points) or one between 0 and `points`."""
    shown = output.data.get("text/plain")
    if not shown:
        return False
    try:
        return 0 <= float(shown) <= points
    except (TypeError, ValueError):
        return True


def error_output(name: str, sentence: str) -> NotebookNode:
    """Return an error as a kernel would have sent it."""
    return NotebookNode(output_type="error", ename=name, evalue=sentence, traceback=[f"{name}: {sentence}"])


def output_from_text(text: str) -> NotebookNode:
    """Return printed text as a kernel would have sent it."""
    return NotebookNode(output_type="stream", name="stdout", text=text)
