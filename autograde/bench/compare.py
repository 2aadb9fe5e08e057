"""One class, two graders, one run: seconds per submission side by side, and the same totals or no result at all.

Both commands have a start that does not grow with the class. So each runs twice, over one submission and over many,
and what counts is the difference. The first call of ours also tries the lab's tests (the preflight): once per lab.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autograde.bench import ours, theirs
from autograde.bench.honest import write_class
from autograde.course import CannotGrade, Course, Lab

PACKAGES = ("nbgrader", "ipykernel", "torch", "numpy", "matplotlib")


@dataclass(frozen=True)
class Comparison:
    """All that a run has measured. Seconds are of the wall's clock unless they are `cpu`."""

    lab: str
    submissions: int
    sample: int  # the first of them, which nbgrader graded
    jobs: int
    theirs_each: float
    theirs_start: float
    ours_each: float
    ours_start: float
    preflight: float  # of the first call, with one submission in it
    rerun: float  # of a call with nothing to do
    cpu_of_the_lab: float  # in every submission, whoever grades
    cpu_of_the_lab_in_sample: float
    peak_mb: float  # of the grading process
    preloaded_mb: Mapping[str, float]
    total: float  # points of the sample, the same on both sides
    isolation: tuple[str, ...]
    machine: str
    versions: Mapping[str, str]

    @property
    def ratio(self) -> float:
        return self.theirs_each / self.ours_each

    @property
    def rerun_ms_each(self) -> float:
        return 1000 * self.rerun / self.submissions

    def public(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"version": 1, **asdict(self), "ratio": self.ratio, "rerun_ms_each": self.rerun_ms_each}


def compare(course: Course, lab: Lab, submissions: int, sample: int, jobs: int) -> Comparison:
    """Grade the same class by nbgrader and by us, and return what that took.

    Raises:
        CannotGrade: a command failed, or the two do not give the same totals.
    """
    with theirs.scratch_course(course, lab) as scratch:
        folder = scratch.root / "class"
        write_class(course, lab, folder, submissions)
        students = sorted(path.name for path in folder.iterdir())
        found = ours.doctor(scratch)
        own = ours.own_seconds(scratch, lab, folder)
        start, seconds = _by_nbgrader(scratch, lab, folder, students[:sample])
        mine = _by_us(scratch, lab, folder, students, jobs)
        points = _same_totals(theirs.scores(scratch, lab), mine["totals"])
        return Comparison(
            lab.name,
            submissions,
            sample,
            jobs,
            theirs_each=(seconds - start) / (sample - 1),
            theirs_start=start,
            cpu_of_the_lab=statistics.mean(own.values()),
            cpu_of_the_lab_in_sample=statistics.mean(own[student] for student in students[:sample]),
            preloaded_mb=found["preloaded_mb"],
            total=points,
            isolation=tuple(one["name"] for one in found["protections"] if one["works"]),
            machine=_machine(),
            versions={"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
            **{name: value for name, value in mine.items() if name != "totals"},
        )


def _by_nbgrader(scratch: Course, lab: Lab, folder: Path, students: list[str]) -> tuple[float, float]:
    """Return the seconds for the first student, and for all."""
    theirs.hand_in(scratch, lab, folder, students[:1])
    first = theirs.autograde(scratch, lab)
    theirs.hand_in(scratch, lab, folder, students)
    return first, theirs.autograde(scratch, lab)


def _by_us(scratch: Course, lab: Lab, folder: Path, students: list[str], jobs: int) -> dict[str, Any]:
    """Grade the first student, grade that one again after a change, then all others; then call once more."""
    aside = scratch.root / "aside"
    folder.rename(aside)
    _move(aside, folder, students[:1])
    first = ours.grade(scratch, lab, folder, jobs)
    _change(folder / students[0] / lab.name / f"{lab.name}.ipynb")
    start = ours.grade(scratch, lab, folder, jobs)
    _move(aside, folder, students[1:])
    rest = ours.grade(scratch, lab, folder, jobs)
    again = ours.grade(scratch, lab, folder, jobs)
    each = (rest.seconds - start.seconds) / (len(students) - 2)  # the start has one submission in it
    return {
        "ours_each": each,
        "ours_start": start.seconds,
        "preflight": first.seconds,
        "rerun": again.seconds,
        "peak_mb": max(first.peak_mb, rest.peak_mb),
        "totals": rest.totals,
    }


def _move(source: Path, target: Path, students: list[str]) -> None:
    target.mkdir(exist_ok=True)
    for student in students:
        (source / student).rename(target / student)


def _change(notebook: Path) -> None:
    """Change the bytes and nothing else, so that it is graded again."""
    with notebook.open("a", encoding="utf-8") as file:
        file.write("\n")


def _same_totals(by_cell: Mapping[str, theirs.ScoreByCell], totals: Mapping[str, float]) -> float:
    """Return the points of all whom nbgrader graded."""
    unlike = [
        f"{student}: {sum(cells.values()):g} by nbgrader, {totals[student]:g} by us"
        for student, cells in sorted(by_cell.items())
        if abs(sum(cells.values()) - totals[student]) > 1e-9
    ]
    if unlike:
        raise CannotGrade(f"The two graders differ, so their speeds say nothing. {'; '.join(unlike)}.")
    return sum(totals[student] for student in by_cell)


def _machine() -> str:
    """Return what a reader needs to know of the machine; no name of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return f"{platform.system()}, {os.cpu_count()} cores of {model}"
