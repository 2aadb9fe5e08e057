"""Who shares more than the release explains: planted copies come out on top, and independent answers do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from autograde.course import ROOT
from autograde.similar.compare import LINE_WHOLE
from autograde.similar.shares import of_pairs
from tests.autograde.calling import Called, call
from tests.autograde.similar_class import (
    LAB,
    commented,
    course_in,
    hand_in,
    independent,
    notebook,
    own_cell,
    renamed,
    solution,
    spaced,
    write,
)


class Compared(Called):
    """What a call of `similar` came to."""

    @property
    def lab(self):
        assert self.returncode == 0, self.stderr
        return json.loads(self.stdout)["labs"][0]

    def pair(self, *students):
        """Return the listed pair of two students, or None."""
        return next((one for one in self.lab["pairs"] if one["students"] == sorted(students)), None)


def similar(course, folder, *arguments):
    return Compared(*call("similar", str(folder), "--course", str(course.root), "--jobs", "2", *arguments))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return course_in(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def planted(course, tmp_path_factory):
    """A class of 12 who wrote for themselves, and five who took from one of them."""
    folder, written = tmp_path_factory.mktemp("planted"), independent(course, 12)
    taken = {
        "renamed": {name: renamed(code) for name, code in written["student_00"].items()},
        "commented": {name: commented(code) for name, code in written["student_01"].items()},
        "spaced": {name: spaced(code) for name, code in written["student_02"].items()},
        "moved": {"mine": "\n\n".join(list(written["student_03"].values())[::-1])},
        "one_only": {**written["student_05"], "best_sizes": renamed(written["student_01"]["best_sizes"])},
    }
    del taken["one_only"]["break_even_steps"]
    hand_in(course, folder, {**written, **taken})
    return folder


@pytest.fixture(scope="module")
def found(course, planted):
    return similar(course, planted, "--json")


@pytest.mark.parametrize(
    ("copier", "source"),
    [("renamed", "student_00"), ("commented", "student_01"), ("spaced", "student_02"), ("moved", "student_03")],
)
def test_a_copy_stands_out_whatever_was_done_to_names_comments_spaces_and_order(found, copier, source):
    pair = found.pair(copier, source)
    assert pair is not None and pair["stands_out"] and pair["share"] >= LINE_WHOLE
    others = [one["share"] for one in found.lab["pairs"] if not {*one["students"]} & {copier, source}]
    assert pair["share"] > np.median(others)


def test_one_copied_exercise_stands_out_in_that_exercise(found):
    pair = found.pair("one_only", "student_01")
    assert pair is not None and pair["stands_out"] and pair["share"] < LINE_WHOLE
    assert max(pair["exercises"], key=pair["exercises"].get) == "best_sizes"


def test_nobody_who_wrote_for_themselves_comes_near_a_copy_as_a_whole(found):
    own = [one for one in found.lab["pairs"] if all(name.startswith("student") for name in one["students"])]
    assert [one for one in own if one["share"] >= LINE_WHOLE] == []


def test_two_with_the_courses_own_solution_share_nothing(course, tmp_path):
    hand_in(course, tmp_path, {"one": solution(course), "two": solution(course), "three": {}})
    assert similar(course, tmp_path, "--json").lab["pairs"] == []


def test_what_stands_in_locked_cells_is_nobodys_share(course, tmp_path):
    long = "\n".join(f"table_{number} = [{number}] * {number + 7}" for number in range(60))
    hand_in(course, tmp_path, {name: {"test_size_for": long, "setup": long} for name in ("one", "two", "three")})
    found = similar(course, tmp_path, "--json")
    assert (found.lab["compared"], found.lab["pairs"]) == (3, [])


def test_a_notebook_that_lost_its_metadata_is_compared_as_well(course, tmp_path):
    written = independent(course, 6)
    hand_in(course, tmp_path, written)
    release = json.loads(course.release_path(course.lab(LAB)).read_text())
    bare = notebook(release, written["student_02"])
    for cell in bare["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    write(tmp_path, "bare", bare)
    assert similar(course, tmp_path, "--json").pair("bare", "student_02")["stands_out"]


@pytest.fixture(scope="module")
def hostile(course, tmp_path_factory):
    """Two who share much, among notebooks that were made to hurt whoever reads them."""
    folder, written = tmp_path_factory.mktemp("hostile"), independent(course, 5)
    hand_in(course, folder, {**written, "twin": written["student_00"]})
    release = json.loads(course.release_path(course.lab(LAB)).read_text())
    files = {
        "huge_cell": notebook(release, {"best_sizes": "x = [" + "1," * 900_000 + "]"}),
        "many_cells": {**release, "cells": [own_cell(f"x = {number}\n" * 40) for number in range(2_000)]},
        "no_python": notebook(release, {"best_sizes": "def (((", "size_for": "\x00" * 5_000 + "\ud800"}),
        "deep_code": notebook(release, {"best_sizes": "(" * 19_000, "size_for": "-" * 19_000 + "1"}),
        "binary": bytes(range(256)) * 100,
        "deep_json": b"[" * 500_000,
        "much_json": b'{"cells":[' + b'{"a":{}},' * 1_900_000 + b"{}]}",
    }
    for student, made in files.items():
        write(folder, student, made)
    os.mkfifo(_folder(folder, "fifo") / f"{LAB}.ipynb")
    return folder


def _folder(folder, student):
    made = folder / student / LAB
    made.mkdir(parents=True)
    return made


def test_a_hostile_notebook_costs_itself_and_nobody_else(course, hostile):
    found = similar(course, hostile, "--json")
    assert found.pair("student_00", "twin")["stands_out"]
    assert {"huge_cell", "many_cells"} <= {*found.lab["cut"]}
    assert {*found.lab["not_compared"]} == {"binary", "deep_json", "much_json", "fifo"}
    assert "200 MB" in found.lab["not_compared"]["much_json"]


def test_a_share_counts_less_the_more_of_the_class_have_it():
    apart = [np.arange(1_000 * number, 1_000 * number + 400) for number in range(8)]
    rare, common = np.arange(-300, 0), np.arange(-900, -600)
    owned = [np.union1d(own, rare) if number < 2 else np.union1d(own, common) for number, own in enumerate(apart)]
    shares = of_pairs(owned, 200)
    assert shares[0, 1] == round(300 / 700, 4)  # two of eight: in full
    assert 0 < shares[2, 3] < 0.3 * shares[0, 1]  # six of eight
    assert shares[0, 2] == 0


@pytest.mark.filterwarnings("error")
def test_one_student_alone_shares_nothing_and_warns_of_nothing():
    assert of_pairs([np.arange(300)], 200).tolist() == [[0.0]]


def test_a_few_lines_never_make_a_large_share():
    assert of_pairs([np.arange(20), np.arange(20), np.arange(50, 90)], 200)[0, 1] == 0.1


def test_the_same_class_gives_the_same_answer_in_another_process(course, planted, found):
    command = [sys.executable, "-m", "autograde", "similar", str(planted), "--course", str(course.root), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads(found.stdout)


def test_a_class_that_is_not_there_is_said_so(course, tmp_path):
    assert "There is no folder" in similar(course, tmp_path / "nowhere").stderr
    assert "holds no submission" in similar(course, tmp_path).stderr
