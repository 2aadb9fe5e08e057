"""The same notebooks through `nbgrader autograde` and through our own runner: every cell of every lab scores the same.

They are honest: right answers, wrong ones and stubs, drawn from each lab's own `mutants.py`. nbgrader takes seconds a
notebook, so they are few here; `python -m autograde bench` compares as many as one likes.
"""

from __future__ import annotations

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograde.bench.honest import write_class
from autograde.bench.theirs import autograde, scores, scratch_course
from autograde.course import Course
from autograde.pipeline import bench, run
from autograde.pool import Pool

COURSE = Course()
LABS = ("lab01", "lab04", "lab07")
STUDENTS = 2
pytestmark = [pytest.mark.sandbox, pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")]


def by_nbgrader(scratch, lab):
    autograde(scratch, lab)
    return scores(scratch, lab)


def by_us(lab, folder, hands):
    handed_in = {path.name: path / lab.name for path in folder.iterdir()}
    with bench(COURSE, lab, lab.seed, hands) as place:
        return {graded.result.student: graded.result for graded in run(place, handed_in, 2)}


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    """Return, by lab, the scores by cell that nbgrader gave, and our results."""
    with contextlib.ExitStack() as stack:
        hands, threads = stack.enter_context(Pool(COURSE.root)), stack.enter_context(ThreadPoolExecutor(2))
        labs = {name: COURSE.lab(name) for name in LABS}
        places = {name: stack.enter_context(scratch_course(COURSE, lab)) for name, lab in labs.items()}
        for name, lab in labs.items():
            write_class(COURSE, lab, places[name].submitted, STUDENTS)
        theirs = {name: threads.submit(by_nbgrader, places[name], lab) for name, lab in labs.items()}
        ours = {name: by_us(lab, places[name].submitted, hands) for name, lab in labs.items()}
        return {name: (theirs[name].result(), ours[name]) for name in LABS}


@pytest.mark.parametrize("lab", LABS)
def test_nbgrader_and_our_runner_give_every_cell_the_same_score(both_ways, lab):
    theirs, ours = both_ways[lab]
    assert {student: result.status for student, result in ours.items()} == dict.fromkeys(theirs, "graded")
    found = {
        student: {cell.name: cell.score for cell in result.cells if cell.graded} for student, result in ours.items()
    }
    assert found == theirs
    given = [score for cells in theirs.values() for score in cells.values()]
    assert len(theirs) == STUDENTS
    assert min(given) == 0 < max(given), "a class in which all are right, or all wrong, would compare nothing"
