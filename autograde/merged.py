"""Results with what people entered in the gradebook: what pages, tables and exports show.

A mark by hand stands in place of our points, extra credit is added, a comment is told. A mark stays when a student
hands in again; if their answer changed, they are told that it waits to be looked at again, as the formgrader shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from autograde.inside.results import CellScore, ExerciseResult, SubmissionResult
from autograde.marks import Grade, Held

BY_HAND = "Graded by a person."
READ_AGAIN = "This mark was given for an earlier version of your answer; it waits to be looked at again."
NOTHING = Grade(None, None, None, False)


class Part(NamedTuple):
    """One cell with points, and what the gradebook holds for it."""

    cell: CellScore
    grade: Grade

    @property
    def by_hand(self) -> bool:
        return self.grade.manual is not None

    @property
    def score(self) -> float:
        return (self.cell.score or 0.0) if self.grade.manual is None else self.grade.manual

    @property
    def unread(self) -> bool:
        return self.cell.score is None and not self.by_hand


def with_marks(results: Iterable[SubmissionResult], held: Held) -> list[SubmissionResult]:
    """Return the results with the points and comments of people in place of ours."""
    return [_with_marks(result, held) for result in results]


def _with_marks(result: SubmissionResult, held: Held) -> SubmissionResult:
    exercises = tuple(_marked(one, result, held) for one in result.exercises)
    return replace(result, exercises=exercises, score=sum(one.score for one in exercises))


def _marked(exercise: ExerciseResult, result: SubmissionResult, held: Held) -> ExerciseResult:
    mine = {(result.lab, result.student, cell.name): cell for cell in result.cells if cell.exercise == exercise.id}
    parts = [Part(cell, held.grades.get(where, NOTHING)) for where, cell in mine.items() if cell.graded]
    comments = [held.comments[where].manual or "" for where in mine if where in held.comments]
    said = " ".join(comment for comment in comments if comment)
    extra = sum(part.grade.extra or 0.0 for part in parts)
    if not any(part.by_hand for part in parts):
        message = f"{exercise.message} {said}".strip()
        return replace(exercise, score=exercise.score + extra, message=message) if extra or said else exercise
    score = sum(part.score for part in parts) + extra
    return replace(exercise, score=score, status=_status(parts, score, exercise.max_score), message=_told(parts, said))


def _told(parts: list[Part], said: str) -> str:
    again = any(part.by_hand and part.grade.waits for part in parts)
    return f"{said or BY_HAND} {READ_AGAIN}" if again else said or BY_HAND


def _status(parts: list[Part], score: float, max_score: float) -> str:
    if any(part.unread for part in parts):
        return "needs_grader"
    if score >= max_score:
        return "right"
    return "partial" if score > 0 else "wrong"
