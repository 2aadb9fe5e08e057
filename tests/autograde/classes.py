"""Large classes of the toy lab, drawn from the gallery: honest, damaged and hostile ones, the same each time."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from autograde.course import Course
from autograde.release import released
from tests.autograde.gallery import KINDS, Kind, write_class
from tests.autograde.planted import NEIGHBOUR

TOY = Path(__file__).parent / "toy"
SHARES = {"honest": 0.6, "damaged": 0.25, "hostile": 0.15}
# Attacks that end by themselves within a moment: a class of 2,000 is for what happens to it as a whole.
QUICK = frozenset((
    "claims_a_right_answer", "crashes", "deletes_asserts", "dies_at_once", "equals_everything", "exits", "fifo",
    "flags_flipped", "forges_a_result", "frame_of_garbage", "gives_its_insides", "hides_errors", "imports_the_solution",
    "interrupts_itself", "kernel_dies", "looks_around", "own_numpy", "patches_builtins", "patches_numpy",
    "points_infinite", "points_raised", "quotes_the_test", "reads_the_course", "runs_the_solution", "script",
    "settings_beside", "test_edited", "unknown_grade_id", "writes_its_own_score",
))  # fmt: skip
TIMED = frozenset(("uses_magics",))  # %%time: its notebook shows what it measured, other bytes each time


def write_mixed_class(folder: Path, count: int, seed: int) -> None:
    """Write `count` submissions to the toy lab, `<student>/toy/toy.ipynb` each; the first is the perfect neighbour."""
    write_class(_toy(), folder, mixed(count, seed))


def mixed(count: int, seed: int) -> dict[str, Kind]:
    """Return a kind of the gallery for each of `count` students; a name tells its kind."""
    drawn, choices = random.Random(seed), {group: _quick(group) for group in SHARES}
    students = {NEIGHBOUR: KINDS[NEIGHBOUR]}
    for number in range(1, count):
        group = drawn.choices(list(SHARES), list(SHARES.values()))[0]
        name = drawn.choice(choices[group])
        students[f"{number:04}-{name}"] = KINDS[name]
    return students


def _quick(group: str) -> list[str]:
    """Return the students of a group who cost a moment, and whose names are names."""
    known = [name for name, kind in KINDS.items() if kind.group == group and kind.expected.status != "timed_out"]
    known = [name for name in known if name not in TIMED]
    return [name for name in known if name.isidentifier() and name.isascii() and (group != "hostile" or name in QUICK)]


@cache
def _toy() -> bytes:
    import nbformat

    course = Course(TOY)
    lab = course.lab("toy")
    return nbformat.writes(released(lab, lab.seed, TOY / "pyproject.toml").release).encode()
