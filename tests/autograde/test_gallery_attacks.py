"""The gallery's attacks, seen from outside: what they read, wrote, reached, forged, disturbed and left behind."""

import base64
import json

import pytest

from tests.autograde.gallery import KINDS, TOY, entries
from tests.autograde.graded_gallery import grade_all

pytestmark = pytest.mark.sandbox
ENTRIES = entries()
MOST_MB = 300  # of the grading process itself; the servers are reported beside it
NEIGHBOURS = ("perfect", "partial", "raises", "a_classmate")


def test_no_file_outside_was_changed_removed_or_made(gallery):
    assert gallery.changed == []


def test_nothing_that_an_attack_must_not_read_comes_back_to_a_student(gallery):
    for path, text in [*gallery.handed_back(), *gallery.outputs()]:
        assert [name for name, mark in gallery.around.marks.items() if _holds(text, mark)] == [], path


def _holds(text: str, mark: str) -> bool:
    """Tell whether a text holds a mark, plainly or dressed up: backwards, as hex, as base64."""
    core = mark.removeprefix("KEEP-OUT-")
    dressed = (core, core[::-1], core.encode().hex(), base64.b64encode(core.encode()).decode().rstrip("=")[:-1])
    return any(one in text for one in dressed)


def test_no_attack_gets_a_point_for_what_it_did_not_solve(gallery):
    for student, kind in ENTRIES.items():
        exercises = {part["id"]: part for part in gallery.printed[student]["exercises"]}
        for name, status in kind.expected.exercises.items():
            if kind.group == "hostile" and status not in ("right", "partial"):
                assert exercises[name]["score"] == 0, (student, exercises[name])


def test_nobody_called_the_listener(gallery):
    assert gallery.calls == []


def test_no_process_is_left_behind(gallery):
    assert [seen["left"] for seen in gallery.watched] == [[]] * len(gallery.watched)


def test_the_grading_process_stays_small(gallery, capsys):
    peak, servers = (max(seen[name] for seen in gallery.watched) for name in ("peak_mb", "servers_mb"))
    with capsys.disabled():
        print(f"\n  grading process: {peak:.0f} MB at most; the servers and what they run, beside it: {servers:.0f} MB")
    assert 0 < peak < MOST_MB
    assert servers > 0


def test_everything_ran_in_a_sandbox(gallery):
    for student, kind in KINDS.items():
        if kind.expected.status not in ("missing", "unreadable"):
            assert json.loads(gallery.result(student))["isolation"] == "sandbox", student


def test_honest_students_get_the_same_bytes_in_a_class_without_attackers(gallery, tmp_path, blank):
    """Graded twice, in two courses, among others and alone: nothing of a run gets into what it leaves."""
    alone = grade_all(tmp_path, blank, {name: KINDS[name] for name in NEIGHBOURS}, marks=gallery.around.marks)
    for student in NEIGHBOURS:
        assert alone.printed[student] == gallery.printed[student]
        for kind in ("results", "feedback", "autograded"):
            here, there = ((one.out() / kind / student / TOY) for one in (alone, gallery))
            names = sorted(path.name for path in there.iterdir())
            assert names and names == sorted(path.name for path in here.iterdir())
            assert all((here / name).read_bytes() == (there / name).read_bytes() for name in names), (student, kind)
