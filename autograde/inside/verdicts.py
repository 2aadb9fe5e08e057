"""From the outputs of test cells to what a student reads: a status and a sentence per exercise.

How a test cell tells the grader: an error named `NotAttempted` means the stub is untouched; any other error means
wrong, and its text is the sentence; a last expression below the cell's points is partial credit, and the last line
that the cell printed is the sentence; anything else is right. The score itself is nbgrader's `determine_grade`.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass

from nbconvert.filters import strip_ansi
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import determine_grade, is_grade

from autograde.inside.align import grade_id, is_answer
from autograde.inside.results import ExerciseResult

MAX_SENTENCE = 600  # characters: a sentence, not a dump
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
WITHHELD = "[a line of a hidden test]"
MANY_WITHHELD = re.compile(rf"(?:{re.escape(WITHHELD)}\s*){{2,}}")
CELL_FILE = re.compile(r"\(\d+\.py, line (\d+)\)")  # a kernel names a cell's source by a number


@dataclass(frozen=True)
class Exercise:
    """One thing that a lab asks for: the cell where it is answered, and the cells that give points for it."""

    id: str
    title: str
    answer: str  # grade_id of the student's cell; the same as its only part when a person grades it
    parts: tuple[str, ...]  # grade_ids of the cells with points
    max_score: float


@dataclass(frozen=True)
class Part:
    """What one graded cell came to."""

    status: str
    score: float
    message: str


def exercises(source: NotebookNode) -> list[Exercise]:
    """Return the exercises of a lab in their order. A test cell belongs to the answer that its name tells
    (`test_<answer>` or `test_<answer>__<suffix>`), else to the last answer above it.
    """
    found: dict[str, list[NotebookNode]] = {}
    titles: dict[str, str] = {}
    answers = [grade_id(cell) for cell in source.cells if is_answer(cell)]
    above, heading = "", ""
    for cell in source.cells:
        if cell.cell_type == "markdown" and not grade_id(cell):
            heading = ([heading, *HEADING.findall(cell.source)])[-1]
        if is_answer(cell):
            above = grade_id(cell)
            titles[above] = heading or above
        if is_grade(cell):
            owner = _owner(cell, answers, above)
            found.setdefault(owner, []).append(cell)
            titles.setdefault(owner, heading or owner)
    return [_exercise(owner, titles[owner], cells) for owner, cells in found.items()]


def _owner(cell: NotebookNode, answers: list[str], above: str) -> str:
    if is_answer(cell):
        return grade_id(cell)
    named = grade_id(cell).removeprefix("test_").split("__")[0]
    return named if named in answers else above or grade_id(cell)


def _exercise(owner: str, title: str, cells: list[NotebookNode]) -> Exercise:
    points = sum(float(cell.metadata.nbgrader.points) for cell in cells)
    return Exercise(owner, title, owner, tuple(grade_id(cell) for cell in cells), points)


def judged(exercise: Exercise, graded: NotebookNode, release: NotebookNode, hidden: Iterable[str]) -> ExerciseResult:
    """Return one exercise's result, read from a graded notebook. Lines in `hidden` are cut out of the sentence."""
    cells = {grade_id(cell): cell for cell in graded.cells if grade_id(cell)}
    stubs = {grade_id(cell): cell.source.strip() for cell in release.cells if grade_id(cell)}
    answer = cells.get(exercise.answer)
    untouched = answer is not None and answer.source.strip() == stubs.get(exercise.answer)
    parts = [_part(cells[name], answer, untouched) for name in exercise.parts]
    score = sum(part.score for part in parts)
    status = status_of([part.status for part in parts], score, exercise.max_score)
    parts.sort(key=lambda part: (part.status != status, part.status == "right"))  # what explains the status comes first
    message = shortened(redacted(parts[0].message, hidden))
    return ExerciseResult(exercise.id, exercise.title, status, score, exercise.max_score, message)


def status_of(parts: list[str], score: float, max_score: float) -> str:
    """Return the status of an exercise from those of its parts and from its points."""
    for whole in ("right", "not_attempted", "not_run", "needs_grader"):
        if parts and all(part == whole for part in parts):
            return whole
    if "needs_grader" in parts:
        return "needs_grader"
    if score >= max_score:
        return "right"
    return "partial" if score > 0 else "wrong"


def _part(cell: NotebookNode, answer: NotebookNode | None, untouched: bool) -> Part:
    score, points = determine_grade(cell)
    if cell is answer:  # text that a person reads
        return Part("needs_grader", 0.0, "A person reads this answer.") if score is None else _no_text()
    error = _error(cell)
    if error is not None:
        return _failed(error, cell, answer, untouched)
    score = float(score or 0)
    if score < points:
        said = _last_line(cell) or f"{score:g} of {points:g} points."
        return Part("partial" if score > 0 else "wrong", score, said)
    return Part("right", score, "Right.")


def _no_text() -> Part:
    return Part("not_attempted", 0.0, "You wrote nothing here yet.")


def _failed(error: NotebookNode, cell: NotebookNode, answer: NotebookNode | None, untouched: bool) -> Part:
    if error.ename == "NotRun":
        return Part("not_run", 0.0, error.evalue)
    if error.ename == "NotAttempted" or (untouched and error.ename != "CellTimeoutError"):
        return Part("not_attempted", 0.0, error.evalue or "Your cell is still as it was released.")
    own = _error(answer) if answer is not None and answer.cell_type == "code" else None
    if own is not None and error.ename != "WrongAnswer":
        return Part("wrong", 0.0, f"Your own cell stopped, so it could not be tested: {spoken(own)}")
    return Part("wrong", 0.0, spoken(error))


def _error(cell: NotebookNode) -> NotebookNode | None:
    """Return the error that ended a cell; a time limit outranks the interrupt by which it acts."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    errors.sort(key=lambda error: error.ename != "CellTimeoutError")
    return errors[0] if errors else None


def spoken(error: NotebookNode) -> str:
    """Return an error as one sentence."""
    said = CELL_FILE.sub(r"(line \1)", strip_ansi(str(error.evalue)).strip())
    if error.ename == "CellTimeoutError":
        return said or "It was stopped at the time limit. Look for a loop that does not end."
    if error.ename == "AssertionError":
        return said or "A test failed."
    return f"{error.ename}: {said}" if said and hasattr(builtins, error.ename) else said or str(error.ename)


def _last_line(cell: NotebookNode) -> str:
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    lines = [line.strip() for line in strip_ansi(printed).splitlines() if line.strip()]
    return lines[-1] if lines else ""


def redacted(text: str, hidden: Iterable[str]) -> str:
    """Return a text without the lines of hidden tests that it quotes, as some errors do."""
    for line in hidden:
        text = text.replace(line, WITHHELD)
    return MANY_WITHHELD.sub(f"{WITHHELD}\n", text)


def shortened(text: str) -> str:
    """Return a text that is no longer than a person reads in a table, and that steers no terminal."""
    short = text if len(text) <= MAX_SENTENCE else text[: MAX_SENTENCE - 4] + " ..."
    spelled = (sign if sign.isprintable() or sign in "\n\t" else ascii(sign)[1:-1] for sign in short)
    return "".join(spelled)
