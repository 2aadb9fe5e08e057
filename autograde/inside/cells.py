"""Per cell what a graded notebook came to, as nbgrader's gradebook wants it. The scores are nbgrader's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution

from autograde.inside.align import grade_id
from autograde.inside.results import CellScore
from autograde.inside.verdicts import Exercise


def cell_scores(graded: NotebookNode, exercises: Iterable[Exercise]) -> tuple[CellScore, ...]:
    """Return every cell of a graded notebook that gives points or holds an answer, in the notebook's order."""
    owners = {part: exercise.answer for exercise in exercises for part in exercise.parts}
    texts = {grade_id(cell): _digest(cell.source) for cell in graded.cells if is_solution(cell)}
    known = [cell for cell in graded.cells if grade_id(cell) and (is_grade(cell) or is_solution(cell))]
    return tuple(_scored(cell, owners.get(grade_id(cell), grade_id(cell)), texts) for cell in known)


def _scored(cell: NotebookNode, owner: str, texts: dict[str, str]) -> CellScore:
    score, points = determine_grade(cell) if is_grade(cell) else (0.0, 0.0)
    return CellScore(
        name=grade_id(cell),
        exercise=owner,
        graded=bool(is_grade(cell)),
        answer=bool(is_solution(cell)),
        score=None if score is None else float(score),
        max_score=float(points),
        text=texts.get(owner, ""),
        untouched=bool(is_solution(cell)) and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell),
    )


def _digest(source: str) -> str:
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]
