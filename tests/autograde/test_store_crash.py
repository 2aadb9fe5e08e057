"""The grader is killed at random moments and started again: in the end all is as if nothing had happened.

Once with hands that run nothing, which shows what is kept, and once with honest, damaged and hostile notebooks in the
sandbox. With LAUNCH_BOUND_SOAK in the environment, classes of 2,000 and 20 kills.
"""

import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograde.gradebook import url
from autograde.release import release
from tests.autograde.classes import write_mixed_class
from tests.autograde.quick_class import QUICK, class_of, dump, hand_in, left, runs, started

SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))
# Students and kills, by who grades: with the sandbox each start takes seconds.
SIZES = {QUICK: (2000, 20), "autograde": (2000, 20)} if SOAK else {QUICK: (40, 5), "autograde": (24, 3)}
SECONDS = 0.02  # of a submission that nothing runs: long enough that a kill finds the class half graded
ODD = {"missing": None, "no_json": b"{", "empty": b"", "a_list": b"[]", "deep": b"[" * 100_000}
SANDBOX = pytest.param("autograde", marks=[pytest.mark.sandbox, pytest.mark.skipif(
    not shutil.which("bwrap"), reason="students' notebooks run in bubblewrap")])  # fmt: skip


@pytest.fixture(scope="module", params=[QUICK, SANDBOX])
def handed_in(request, new_class):
    """A class that nobody has graded yet, and the program that grades it."""
    toy, (students, kills) = new_class(), SIZES[request.param]
    if request.param == QUICK:
        hand_in(toy.course, release(toy.course, toy.lab), class_of(students))
        for number, student in enumerate(sorted(toy.course.submitted.iterdir())[::8]):
            path, text = student / "toy" / "toy.ipynb", list(ODD.values())[number % len(ODD)]
            path.write_bytes(text) if text is not None else path.unlink()
    else:
        write_mixed_class(toy.course.submitted, students, seed=8)
    return SimpleNamespace(course=toy.course, grader=request.param, size=students, kills=kills)


def copied(toy, to):
    shutil.copytree(toy.course.root, to, copy_function=copied_file, symlinks=True)
    out = to / "autograde" / "out" / "class"
    return SimpleNamespace(course=replace(toy.course, root=to), out=out, grader=toy.grader, size=toy.size)


def copied_file(source, target):
    """Copy a file; of a FIFO that was handed in, make another."""
    if Path(source).is_symlink() or Path(source).is_file():
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        os.mkfifo(target)


def killed_after(toy, written):
    """Grade, and kill the grader once it has written so many more results; return whether it was killed in time."""
    before = len(runs(toy.out))
    with started(["grade", "--course", str(toy.course.root)], SECONDS, toy.grader) as grader:
        while grader.poll() is None and len(runs(toy.out)) - before < written:
            time.sleep(random.random() / 50)
        grader.kill()
    return grader.returncode == -9


def test_a_grader_that_is_killed_loses_nothing_and_grades_nothing_twice(handed_in, tmp_path):
    draw = random.Random(5)
    toy, kept, killed = copied(handed_in, tmp_path / "killed"), {}, 0
    kills = handed_in.kills
    for written in [0, *(draw.randrange(1, handed_in.size // kills) for _ in range(kills - 1))]:
        killed += killed_after(toy, written)
        results = {path: path.stat().st_mtime_ns for path in toy.out.glob("results/*/*/results.json")}
        assert results.items() >= kept.items(), "a result that was there was written again"
        kept = results
    assert killed == kills
    assert 0 < len(kept) < toy.size, "the kills came before or after all the work"
    assert finished(toy) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    graded = runs(toy.out)
    assert len(set(graded)) == len(graded), "a submission was graded twice"
    assert toy.size - kills <= len(graded) <= toy.size  # killed between a result and its line in the log
    whole = copied(handed_in, tmp_path / "whole")
    assert finished(whole) == 0
    assert differing(left(toy.out), left(whole.out)) == []
    assert dump(url(toy.out / "gradebook.db")) == dump(url(whole.out / "gradebook.db"))


@pytest.mark.parametrize("handed_in", [QUICK, SANDBOX] if SOAK else [QUICK], indirect=True, scope="module")
def test_a_grader_that_is_killed_while_it_brings_the_views_in_line_heals_them(handed_in, tmp_path):
    """All is graded, so nothing runs; the gradebook is begun, or it is there and the pages are begun."""
    toy = copied(handed_in, tmp_path / "views")
    out, ended = toy.out, []
    assert finished(toy) == 0
    before, held = left(out), dump(url(out / "gradebook.db"))
    for begun, many in (("gradebook.db", 1), ("feedback/*/*/*.html", 1), ("feedback/*/*/*.html", toy.size // 2)):
        (out / "gradebook.db").unlink(missing_ok=True)
        shutil.rmtree(out / "feedback", ignore_errors=True)
        with started(["grade", "--course", str(toy.course.root)], module=toy.grader) as grader:
            while grader.poll() is None and len(list(out.glob(begun))) < many:
                time.sleep(0.005)
            grader.kill()
        ended.append(grader.returncode)
    assert -9 in ended, "each had done all its work before it was killed"
    assert finished(toy) == 0
    assert differing(left(out), before) == []
    assert dump(url(out / "gradebook.db")) == held
    assert len(runs(out)) == toy.size


def differing(some, others):
    """Return the names of files that are not the same."""
    return sorted(name for name in {*some, *others} if some.get(name) != others.get(name))


def finished(toy):
    with started(["grade", "--course", str(toy.course.root)], module=toy.grader) as grader:
        said = grader.communicate()[1]
    assert grader.returncode == 0, said
    return grader.returncode
