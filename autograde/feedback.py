"""What a student gets back: one HTML page, made from results and from their own cells, and from nothing else.

The graded notebook is not shown: it holds the hidden tests, and whatever a student displayed. So there is no script
to clean out; every text that goes in is escaped. Of a traceback only the frames in the student's own cells appear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from nbconvert.filters import strip_ansi
from nbformat.notebooknode import NotebookNode

from autograde.inside.align import grade_id
from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.inside.verdicts import redacted

FRAME = re.compile(r"^(Cell In|Input In) ?\[(\d+)\]")
MAX_CODE = 8_000  # characters of one answer
WORDS = {
    "right": "right",
    "partial": "partly right",
    "wrong": "wrong",
    "not_attempted": "not attempted",
    "not_run": "did not run",
    "needs_grader": "a person reads it",
}
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #222; }}
section {{ border-left: 6px solid #999; padding: 0 1em; margin: 1.5em 0; }}
section.right {{ border-color: #0072b2; }} section.partial {{ border-color: #e69f00; }}
section.wrong, section.not_run {{ border-color: #d55e00; }}
pre {{ background: #f4f4f4; padding: 0.7em; overflow-x: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(result: SubmissionResult, graded: NotebookNode, hidden: Iterable[str]) -> str:
    """Return the page for one submission. Lines in `hidden` appear nowhere, not even in a student's own traceback."""
    cells = {grade_id(cell): cell for cell in graded.cells if grade_id(cell)}
    own = own_counts(graded)
    mine = "\n".join(cell.source for cell in graded.cells if not _locked(cell))
    lines = [line for line in hidden if line not in mine]
    parts = [f"<p><strong>{result.score:g} of {result.max_score:g} points.</strong> {_sentence(result.sentence)}</p>"]
    parts += [_list(result.notes)] if result.notes else []
    parts += [_section(exercise, cells.get(exercise.id), own, cells, lines) for exercise in result.exercises]
    return PAGE.format(title=escape(f"{result.lab}: {result.student}"), body="\n".join(parts))


def _list(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<p>Your notebook was repaired before it was graded:</p><ul>{items}</ul>"


def _section(
    result: ExerciseResult,
    answer: NotebookNode | None,
    own: set[int],
    cells: dict[str, NotebookNode],
    hidden: list[str],
) -> str:
    head = f"{escape(result.title)}: {WORDS[result.status]}, {result.score:g} of {result.max_score:g}"
    shown = [f'<section class="{result.status}"><h2>{head}</h2><p>{_sentence(result.message)}</p>']
    if answer is not None:
        shown.append(f"<details><summary>What you handed in</summary>{_pre(answer.source[:MAX_CODE], [])}</details>")
    tests = [cell for name, cell in cells.items() if name.removeprefix("test_").split("__")[0] == result.id]
    frames = [frame for cell in tests for frame in own_frames(cell, own)]
    if result.status in ("wrong", "partial") and frames:
        shown.append("<p>Where your code stopped:</p>" + _pre("\n".join(dict.fromkeys(frames)), hidden))
    return "".join([*shown, "</section>"])


def _sentence(text: str) -> str:
    """Return `text` escaped, as a notebook shows it: what is in backticks as code, a *word* in stars with stress."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"(?<!\S)\*(\w+)\*(?!\S)", r"<em>\1</em>", html)


def _pre(text: str, hidden: list[str]) -> str:
    return f"<pre>{escape(redacted(text, hidden))}</pre>"


def own_counts(graded: NotebookNode) -> set[int]:
    """Return the execution counts of the cells that the student wrote: `Cell In[n]` of these may be shown."""
    mine = [cell for cell in graded.cells if cell.cell_type == "code" and not _locked(cell)]
    return {cell.execution_count for cell in mine if cell.get("execution_count")}


def _locked(cell: NotebookNode) -> bool:
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("locked") or marks.get("grade"))


def own_frames(cell: NotebookNode, own: set[int]) -> list[str]:
    """Return those frames of a cell's tracebacks that lie in the student's own cells, as plain text."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    frames = [strip_ansi(frame).strip("\n") for error in errors for frame in error.traceback]
    found = [(FRAME.match(frame), frame) for frame in frames]
    return [frame for match, frame in found if match and int(match[2]) in own]
