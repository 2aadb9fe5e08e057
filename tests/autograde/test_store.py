"""A class is graded again and again: only what changed runs, and nothing that was graded is ever lost."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from autograde import plan
from autograde.inside.results import from_stored, write_whole
from autograde.lock import only_one, undisturbed
from autograde.plan import why
from autograde.release import release
from tests.autograde import quick_grade
from tests.autograde.quick_class import THREE, answers, hand_in, left, result, runs


def path_of(toy, student):
    """Return where a result lies."""
    return toy.out / "results" / student / "toy" / "results.json"


def plans(toy, *more):
    """Return why each would run."""
    called = toy.call("grade", "--dry-run", "--json", *more)
    assert called.returncode == 0, called.stderr
    return {one["student"]: one["why"] for one in json.loads(called.stdout)["plan"]}


def test_nothing_runs_again_when_nothing_changed(toy):
    before = left(toy.out)
    assert sorted(student for student, _ in runs(toy.out)) == ["ada", "bob", "cyd"]
    printed = toy.grade()
    assert len(runs(toy.out)) == 3
    assert left(toy.out) == before
    assert list(printed) == ["ada", "bob", "cyd"]
    assert toy.tried == []


def test_only_what_changed_runs_and_a_dry_run_says_why(toy):
    toy.hand_in({"bob": answers(7), "dan": answers(8)})
    before = left(toy.out)
    assert plans(toy) == {"ada": "unchanged", "bob": "changed notebook", "cyd": "unchanged", "dan": "new"}
    assert left(toy.out) == before
    assert toy.call("grade", "--dry-run").stdout == "toy: 2 of 4 would run\n  bob: changed notebook\n  dan: new\n"
    toy.grade()
    assert sorted(student for student, _ in runs(toy.out)[3:]) == ["bob", "dan"]
    assert toy.tried == []  # the lab passed its preflight before, and is the same


def test_a_changed_lab_or_secret_or_grader_grades_all_anew(toy, monkeypatch):
    toy.lab.source.write_text(toy.lab.source.read_text() + "\n# a late thought\n")
    assert set(plans(toy).values()) == {"changed lab"}
    toy.grade()
    assert toy.tried == ["toy"]
    (toy.course.root / "autograde" / "secret_seed").write_text("a secret")
    assert set(plans(toy).values()) == {"changed lab"}
    toy.grade()
    monkeypatch.setattr(plan, "grader_version", lambda: "another")
    assert set(plans(toy).values()) == {"changed grader"}
    assert len(runs(toy.out)) == 9


def test_a_setting_that_changes_no_result_grades_nobody_anew(toy):
    settings = toy.lab.folder / "lab.toml"
    settings.write_text(f'# read twice\nanswers_together = ["double"]\n{settings.read_text()}')
    assert set(plans(toy).values()) == {"unchanged"}
    settings.write_text(settings.read_text().replace("cell_seconds = 2", "cell_seconds = 3"))
    assert set(plans(toy).values()) == {"changed lab"}


@pytest.mark.parametrize("damage", ["{", '{"version": 1}', "[" * 100_000, "7", ""])
def test_a_damaged_result_is_set_aside_and_graded_anew(toy, damage):
    path = path_of(toy, "bob")
    whole = path.read_bytes()
    path.write_text(damage)
    called = toy.call("grade")
    assert called.returncode == 0
    assert f"{path} is damaged. It is kept as results.json.damaged, and bob is graded anew." in called.stderr
    assert path.read_bytes() == whole
    assert path.with_name("results.json.damaged").read_text() == damage
    assert [student for student, _ in runs(toy.out)[3:]] == ["bob"]


def test_the_result_of_another_student_counts_for_nobody(toy):
    shutil.copy(path_of(toy, "ada"), path_of(toy, "bob"))
    assert plans(toy)["bob"] == "damaged result (it is the result of ada for toy)"
    assert toy.grade()["bob"]["student"] == "bob"


def test_who_left_and_came_back_keeps_what_they_had(toy):
    before = left(toy.out)
    (toy.course.submitted / "bob").rename(toy.course.root / "bob")
    told = "toy: no folder any more, so not in the grades: bob."
    assert told in toy.call("grade", "--dry-run").stderr
    assert told in toy.call("grade").stderr
    assert list(toy.grade()) == ["ada", "cyd"]
    assert not (toy.out / "results" / "bob").exists()
    assert not (toy.out / "feedback" / "bob" / "toy").exists()
    assert "bob" not in (toy.out / "grades.csv").read_text()
    (toy.course.root / "bob").rename(toy.course.submitted / "bob")
    assert list(toy.grade()) == ["ada", "bob", "cyd"]
    assert left(toy.out) == before
    assert len(runs(toy.out)) == 3


def test_what_is_missing_or_refused_is_graded_once_too(toy):
    (toy.course.submitted / "ada" / "toy" / "toy.ipynb").unlink()
    (toy.course.submitted / "bob" / "toy" / "toy.ipynb").write_text("no notebook")
    found = toy.grade()
    assert [found[student]["status"] for student in ("ada", "bob")] == ["missing", "unreadable"]
    assert set(plans(toy).values()) == {"unchanged"}
    toy.hand_in({"ada": THREE["ada"]})
    assert plans(toy)["ada"] == "changed notebook"


def test_what_the_grader_itself_failed_at_is_tried_again(toy):
    path = path_of(toy, "bob")
    path.write_text(json.dumps({**result(toy.out, "bob"), "status": "grader_error"}))
    assert plans(toy)["bob"] == "the grader failed last time"


def test_a_result_without_a_sandbox_counts_only_where_none_is_asked_for(toy):
    stored = from_stored(result(toy.out, "ada"))
    key = plan.Key(*stored.key.split("."))
    assert why(key, stored) == why(key._replace(isolation="none"), stored) == ""
    unsafe = replace(stored, key=str(key._replace(isolation="none")))
    assert why(key, unsafe) == "ran without a sandbox"
    assert why(key._replace(isolation="none"), unsafe) == ""


def test_a_page_or_a_gradebook_that_went_away_comes_back_without_a_run(toy):
    before = left(toy.out)
    (toy.out / "feedback" / "ada" / "toy" / "toy.html").unlink()
    (toy.out / "gradebook.db").unlink()
    (toy.out / "grades.csv").unlink()
    toy.grade()
    assert left(toy.out) == before
    assert len(runs(toy.out)) == 3
    assert (toy.out / "gradebook.db").is_file()


def test_two_labs_are_graded_in_one_run(toy):
    shutil.copytree(toy.lab.folder, toy.lab.folder.with_name("toy2"))
    (toy.lab.folder.with_name("toy2") / "toy.py").rename(toy.lab.folder.with_name("toy2") / "toy2.py")
    other = toy.course.lab("toy2")
    hand_in(toy.course, release(toy.course, other), {"ada": THREE["ada"]}, "toy2")
    printed = json.loads(toy.call("grade", "--json").stdout)["submissions"]
    statuses = {(one["lab"], one["student"]): one["status"] for one in printed}
    assert statuses["toy2", "ada"] == "graded"
    assert statuses["toy2", "bob"] == "missing"
    assert len(statuses) == 6
    assert len((toy.out / "grades.csv").read_text().splitlines()) == 7


def test_each_damaged_result_is_kept(toy):
    for damage in ("first", "second", "third"):
        path_of(toy, "bob").write_text(damage)
        toy.grade()
    kept = sorted(path_of(toy, "bob").parent.glob("results.json.damaged*"))
    assert [path.read_text() for path in kept] == ["first", "second", "third"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_what_is_written_in_several_steps_is_whole(number):
    done, before = [], signal.getsignal(number)

    def written():
        with undisturbed():
            os.kill(os.getpid(), number)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        written()
    assert done
    assert signal.getsignal(number) == before


def test_who_is_stopped_while_writing_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "results.json", "{}")
    assert list(tmp_path.iterdir()) == []


def test_two_calls_of_grade_do_not_get_in_each_others_way(toy):
    with only_one(toy.out):
        called = toy.call("grade")
    assert called.returncode == 1
    assert f"is at work on {toy.out}, and two would get in each other's way" in called.stderr
    assert toy.call("grade").returncode == 0


def test_names_that_no_gradebook_keeps_are_cut_and_stop_nobody(toy):
    toy.hand_in({"x" * 129: answers(1), "x" * 130: answers(2), "ada": answers(1)})
    found = toy.grade()
    cut = [name for name in found if name.startswith("x" * 115 + "~")]
    assert len(cut) == 2 and all(len(name) == 128 for name in cut)
    assert {found[name]["status"] for name in [*cut, "ada"]} == {"graded"}


def forged(found):
    """Return a result in ways in which it is none of the toy's."""
    (first, *parts), (cell, *cells) = found.exercises, found.cells
    return {
        "score": replace(found, score=900.0),
        "max_score": replace(found, max_score=900.0),
        "status": replace(found, status="brilliant"),
        "fewer": replace(found, exercises=tuple(parts), score=sum(part.score for part in parts)),
        "renamed": replace(found, exercises=(replace(first, id="elsewhere"), *parts)),
        "worth_more": replace(found, exercises=(replace(first, max_score=90.0), *parts)),
        "cell": replace(found, cells=(replace(cell, name="elsewhere"), *cells)),  # the gradebook knows no such cell
        "cell_worth_more": replace(found, cells=(replace(cell, max_score=90.0), *cells)),
    }


def test_an_answer_of_the_tester_about_another_lab_is_no_result(toy, monkeypatch):
    honest = quick_grade.reply

    def reply(job):
        found = honest(job)
        return replace(found, result=forged(found.result).get(job.student, found.result))

    monkeypatch.setattr(quick_grade, "reply", reply)
    names = forged(from_stored(result(toy.out, "ada"))).keys()
    toy.hand_in(dict.fromkeys(names, answers(5)))
    done = toy.grade()
    assert {(done[name]["status"], done[name]["score"], done[name]["max_score"]) for name in names} == {
        ("grader_error", 0, 9)
    }
    assert all([one["id"] for one in done[name]["exercises"]] == ["double", "roots", "why"] for name in names)
    assert "other exercises or points than the lab has" in (toy.out / "logs" / "cell" / "toy.txt").read_text()
    assert done["ada"]["status"] == "graded"
