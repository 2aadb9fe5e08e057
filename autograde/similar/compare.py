"""A class, one lab at a time: read all notebooks, compare all pairs, and say which stand out.

The two lines above which a pair stands out come from classes made of the labs' own `mutants.py`: independent answers
stayed below them, and copies with names, comments, spacing and order changed came out above. They are a help for the
eye and no verdict: what is usual in a class, its picture shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from autograde.build import build
from autograde.course import CannotGrade, Course, Lab
from autograde.inside.align import is_answer
from autograde.similar.readers import Reading, read_all
from autograde.similar.reading import Notebook
from autograde.similar.shares import FLOOR, FLOOR_WHOLE, of_pairs, together, unexplained, weight

LINE_WHOLE = 0.4  # of all that the two wrote
LINE_EXERCISE = 0.5  # of one exercise
MOST_LISTED = 100
LISTED_BELOW = 10  # pairs below the lines that are listed too, for comparison
FEW = 0.5  # weight from which a fragment counts as one that few have


@dataclass(frozen=True)
class Pair:
    """Two students: what they share of all that they wrote, and of each exercise where it is more than nothing."""

    students: tuple[str, str]
    share: float
    exercises: Mapping[str, float]

    @property
    def height(self) -> float:
        """How far the pair comes up to a line: from 1 on it stands out."""
        return max(self.share / LINE_WHOLE, max(self.exercises.values(), default=0.0) / LINE_EXERCISE)

    @property
    def stands_out(self) -> bool:
        return self.height >= 1


@dataclass(frozen=True)
class LabPairs:
    """What came out for one lab. `shares` holds every pair's, `listed` the pairs that an instructor should read."""

    lab: str
    readings: Mapping[str, Reading]
    shares: tuple[float, ...]
    standing_out: int
    listed: tuple[Pair, ...]
    explained: np.ndarray  # fingerprints of the release and of the course's own solution
    held_by_few: np.ndarray  # fingerprints that several have, and few

    @property
    def compared(self) -> list[str]:
        return [student for student, reading in self.readings.items() if not reading.refused]

    def refused(self) -> dict[str, str]:
        """Return the sentence of each student whose notebook could not be compared."""
        return {student: reading.refused for student, reading in self.readings.items() if reading.refused}

    def cut(self) -> list[str]:
        """Return the students of whose code only the beginning was compared."""
        return [student for student, reading in self.readings.items() if reading.cut]


Watch = Callable[[Iterator[Any], int], Iterator[Any]]


def compare(course: Course, lab: Lab, handed_in: Mapping[str, Path], at_once: int, watch: Watch) -> LabPairs:
    """Compare the notebooks in the folder of each student. `watch` sees every reading go by, as a progress bar does.

    Raises:
        CannotGrade: the lab was not released yet, so nobody knows what it explains.
    """
    release = course.release_path(lab)
    if not release.is_file():
        raise CannotGrade(f"There is no {release}. Run `python -m autograde release` first.")
    notebooks = {
        student: Notebook(folder / lab.name, lab.name, release, lab.limits.notebook_bytes)
        for student, folder in handed_in.items()
    }
    known = {"": "\n".join(_known_code(lab, release, course.root / "pyproject.toml"))}
    explained = next(read_all({"": known}, 1))[1].parts[""].hashes
    readings = dict(watch(read_all(notebooks, at_once), len(notebooks)))
    return _compared(lab.name, {student: readings[student] for student in notebooks}, np.unique(explained))


def _known_code(lab: Lab, release: Path, pyproject: Path) -> Iterator[str]:
    """Yield what anybody may share with anybody: all code of the release, and the course's own answers."""
    for cell in nbformat.read(release, as_version=4).cells:
        if cell.cell_type == "code":
            yield cell.source
    for cell in build(lab, lab.seed, pyproject).cells:
        if cell.cell_type == "code" and is_answer(cell):
            yield cell.source


def _compared(lab: str, readings: Mapping[str, Reading], explained: np.ndarray) -> LabPairs:
    students = sorted(student for student, reading in readings.items() if not reading.refused)
    owned = [unexplained(_hashes(readings[student]), explained) for student in students]
    whole = [together(parts) for parts in owned]
    exercises = sorted({name for parts in owned for name in parts})
    nothing = np.array([], np.int64)
    by_exercise = {name: of_pairs([parts.get(name, nothing) for parts in owned], FLOOR) for name in exercises}
    shares = of_pairs(whole, FLOOR_WHOLE)
    pairs = [_pair(students, shares, by_exercise, *place) for place in combinations(range(len(students)), 2)]
    pairs.sort(key=lambda pair: (-pair.height, pair.students))
    standing_out = sum(pair.stands_out for pair in pairs)
    return LabPairs(
        lab=lab,
        readings=readings,
        shares=tuple(pair.share for pair in pairs),
        standing_out=standing_out,
        listed=tuple(pair for pair in pairs[: min(standing_out, MOST_LISTED) + LISTED_BELOW] if pair.height > 0),
        explained=explained,
        held_by_few=_held_by_few(whole),
    )


def _hashes(reading: Reading) -> dict[str, np.ndarray]:
    return {name: part.hashes for name, part in reading.parts.items()}


def _pair(students: list[str], whole: np.ndarray, by_exercise: Mapping[str, np.ndarray], row: int, column: int) -> Pair:
    exercises = {name: float(shares[row, column]) for name, shares in by_exercise.items() if shares[row, column] > 0}
    return Pair((students[row], students[column]), float(whole[row, column]), exercises)


def _held_by_few(whole: list[np.ndarray]) -> np.ndarray:
    found, owners = np.unique(np.concatenate([*whole, np.array([], np.int64)]), return_counts=True)
    class_size = sum(len(one) > 0 for one in whole)
    return found[(owners > 1) & (weight(owners, class_size) >= FEW)]
