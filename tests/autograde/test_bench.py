"""The benchmark's own work: the class that it makes, and that it compares what it says. No speed is asserted."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from autograde.bench.compare import _same_totals
from autograde.bench.honest import notebooks
from autograde.cli import main
from autograde.course import CannotGrade, Course
from autograde.release import release


def test_a_class_begins_with_every_smaller_one_and_holds_right_wrong_and_untouched_answers():
    course = Course()
    lab = course.lab("lab04")
    few, many = dict(notebooks(course, lab, 3)), dict(notebooks(course, lab, 12))
    assert {student: many[student] for student in few} == few
    assert len(set(many.values())) == 12
    together = "".join(many.values())
    assert "raise NotImplementedError()" in together
    assert "### BEGIN SOLUTION" not in together


def test_two_graders_that_differ_are_not_compared():
    assert _same_totals({"ada": {"a": 1.0, "b": 2.5}}, {"ada": 3.5, "bob": 4.0}) == 3.5
    with pytest.raises(CannotGrade, match="ada: 3 by nbgrader, 4 by us"):
        _same_totals({"ada": {"a": 1.0, "b": 2.0}}, {"ada": 4.0})


@pytest.mark.sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
@pytest.mark.skipif(not os.environ.get("LAUNCH_BOUND_SOAK"), reason="long, as it starts all servers 4 times: make soak")
def test_the_bench_compares_both_graders_and_ends_in_a_line_of_json(new_class, capsys):
    toy = new_class()
    made = toy.course.release_path(toy.lab)
    made.parent.mkdir(parents=True)
    made.write_bytes(release(toy.course, toy.lab))
    arguments = ["bench", "--course", str(toy.course.root), "--lab", "toy", "--submissions", "3", "--sample", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    found = json.loads(printed[-1])
    assert (found["submissions"], found["sample"], found["jobs"]) == (3, 2, 2)
    assert set(found["preloaded_mb"]) == {"student", "tester"}
    assert "bubblewrap" in found["isolation"]
    assert f"the same {found['total']:g} points for the 2." in "\n".join(printed)
