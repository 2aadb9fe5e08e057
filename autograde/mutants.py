"""Wrong answers that the tests of a lab must catch, and right answers that they must not.

A lab keeps both in `solutions/<lab>/mutants.py`, as two lists, `MUTANTS` and `RIGHT_ANSWERS`. `python -m autograde
check` hands in each as a student would: the solution notebook with that one cell replaced by `code`.
"""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Mutant:
    """A wrong answer to one exercise, with what it must cost and what its author must be told."""

    name: str
    exercise: str  # grade_id of the solution cell
    loses: float  # at least so many of the exercise's points
    told: str  # a fragment of the sentence that the student reads
    code: str  # replaces the whole solution cell


@dataclass(frozen=True)
class RightAnswer:
    """A correct answer that is written differently from the solution: it must lose nothing."""

    name: str
    exercise: str
    code: str


class Answers(NamedTuple):
    """All that a lab's `mutants.py` holds."""

    mutants: tuple[Mutant, ...]
    right: tuple[RightAnswer, ...]

    def all(self) -> list[Mutant | RightAnswer]:
        """Return wrong and right answers in one list."""
        return [*self.mutants, *self.right]


def load_answers(path: Path) -> Answers:
    """Run a `mutants.py` and return its two lists; a lab without the file has none.

    Raises:
        ValueError: two answers share a name, so a report could not tell them apart.
    """
    if not path.exists():
        return Answers((), ())
    found = runpy.run_path(str(path))
    answers = Answers(tuple(found.get("MUTANTS", ())), tuple(found.get("RIGHT_ANSWERS", ())))
    names = [answer.name for answer in answers.all()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: these names are used twice: {', '.join(twice)}")
    return answers
