"""A class on a Dask cluster: where it may be, that nothing is lost with a worker, and that the bytes are the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading

import psutil
import pytest

from autograde.cluster import client, task
from autograde.cluster.addresses import check_workers, checked
from autograde.cluster.client import reached
from autograde.cluster.sameness import differences, fingerprint
from autograde.course import ROOT, CannotGrade, Course
from autograde.inside import wire
from autograde.inside.job import Job
from tests.autograde.classes import write_mixed_class
from tests.autograde.cluster import stand_ins
from tests.autograde.cluster.local_cluster import cluster, wait_until

pytest.importorskip("distributed", reason="needs Dask: pip install -e '.[cluster]'")
CLASS, KILLED_AFTER = (400, 100) if os.environ.get("LAUNCH_BOUND_SOAK") else (16, 5)


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "localhost:8786", "tcp://[::1]:8786", "tls://10.1.2.3:8786"])
def test_a_loopback_address_or_an_encrypted_one_may_be_used(address):
    assert checked(address).endswith(address)
    check_workers([checked(address)])


@pytest.mark.parametrize(
    "address", ["10.1.2.3:8786", "tcp://0.0.0.0:8786", "tcp://school.example:8786", "ucx://127.0.0.1:1", "ws://[::1]:1"]
)
def test_hidden_tests_are_not_sent_over_an_open_network(address):
    with pytest.raises(CannotGrade, match=r"hidden tests.*tls://"):
        checked(address)
    with pytest.raises(CannotGrade, match=r"hidden tests.*tls://"):
        check_workers(["tcp://127.0.0.1:1", checked("tls://h:1").replace("tls://h:1", f"tcp://x/{address}")])


def test_encryption_without_certificates_and_a_scheduler_that_is_not_there_are_told(monkeypatch):
    monkeypatch.setattr(client, "CONNECT_SECONDS", 1)
    with pytest.raises(CannotGrade, match="has no certificates"), reached("tls://127.0.0.1:1"):
        pass
    with pytest.raises(CannotGrade, match=r"No Dask scheduler answers at tcp://127.0.0.1:1 "), reached("127.0.0.1:1"):
        pass


def test_what_differs_between_two_machines_is_named():
    mine = dict(fingerprint())
    assert differences(mine, dict(mine)) == ""
    theirs = {**mine, "torch": "1.0", "autograde/inside/wire.py": "other", "mini_lib/new.py": "new"}
    del theirs["autograde/worker.py"]
    told = differences(mine, theirs)
    assert f"torch 1.0 there and {mine['torch']} here" in told
    assert "autograde/inside/wire.py differs" in told
    assert "mini_lib/new.py is not here" in told
    assert "autograde/worker.py is missing there" in told


class DyingProgram:
    """A program that dies over its first jobs."""

    isolation, failed = "sandbox", ""
    deaths_to_come = 0

    def __init__(self, unsafe):
        pass

    def grade(self, job):
        if type(self).deaths_to_come:
            type(self).deaths_to_come -= 1
            raise wire.Closed("gone")
        return json.dumps({"reply": job, "why": ""})

    def end(self):
        pass


@pytest.mark.parametrize(("deaths", "reply"), [(0, "{}"), (1, "{}"), (2, "{}"), (3, None), (9, None)])
def test_a_job_whose_program_dies_is_tried_in_a_new_one_and_given_up_in_the_end(monkeypatch, deaths, reply):
    monkeypatch.setattr(task, "Program", type("Dying", (DyingProgram,), {"deaths_to_come": deaths}))
    task.keeper.cache_clear()
    orders = json.dumps({"unsafe": False, "digest": task.digest(), "isolation": "sandbox"})
    found = json.loads(task.grade(orders, "{}"))
    task.keeper.cache_clear()
    assert found["reply"] == reply
    assert ("died 3 times" in found["why"]) == (reply is None)


@pytest.fixture
def stood_in(monkeypatch):
    monkeypatch.setattr(client, "task", stand_ins)


def jobs(*students):
    return [Job(student, "toy", "", "") for student in students]


def test_a_submission_that_kills_every_worker_is_given_up_and_the_class_goes_on(stood_in, tmp_path):
    few = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    honest = [f"student-{n}" for n in range(12)]
    with cluster(tmp_path, 2, "--nanny", settings=few) as local:
        wait_until(lambda: _threads(local.address) == 2, "both workers")
        with reached(local.address) as crew:
            found = {one.job.student: one for one in crew.run_all(jobs(*honest[:3], stand_ins.BAD, *honest[3:]))}
    assert {student for student, one in found.items() if one.reply} == set(honest)
    assert "every worker that had this notebook died" in found[stand_ins.BAD].why


def test_a_class_is_given_up_once_no_worker_is_left_and_one_that_differs_is_refused(stood_in, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 3.0)
    monkeypatch.setattr(client, "FETCH_SECONDS", 2)
    with cluster(tmp_path, 1, "--no-nanny") as local:
        wait_until(lambda: _threads(local.address) == 1, "the worker")
        with monkeypatch.context() as other:
            other.setattr(client, "fingerprint", lambda: {**fingerprint(), "autograde/inside/wire.py": "other"})
            with pytest.raises(CannotGrade, match=r"autograde/inside/wire.py differs.*same commit"):
                reached(local.address).__enter__()
        with reached(local.address) as crew, pytest.raises(CannotGrade, match=r"No worker is left.*grade again"):
            list(crew.run_all(jobs("ada", stand_ins.BAD)))


def _threads(address):
    from distributed import Client

    with Client(address, timeout=10, set_as_default=False) as one:
        return sum(one.nthreads().values())


def left_by(course, folder):
    """Return what grading left, by path, of all that may not depend on who graded."""
    out = course.out(folder)
    kept = [path for path in sorted(out.rglob("*")) if path.suffix in (".json", ".html", ".csv", ".ipynb")]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in kept}


def grade(course, folder, *words):
    command = [sys.executable, "-m", "autograde", "grade", str(folder), "--course", str(course.root), "--json", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_worker_that_is_killed_half_way_costs_nothing_and_the_bytes_are_those_of_one_machine(new_class, tmp_path):
    toy = new_class().course
    alone, together = toy.root / "alone", toy.root / "together"
    for folder in (alone, together):
        write_mixed_class(folder, CLASS, seed=5)
    assert grade(toy, alone, "--jobs", "2").returncode == 0
    with cluster(tmp_path, 2, "--no-nanny") as local:
        wait_until(lambda: _threads(local.address) == 2, "both workers")
        done, gone = _graded_with_a_death(toy, together, local)
        below = local.below()
        assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["submissions"]) == CLASS
    assert left_by(toy, together) == left_by(toy, alone)
    wait_until(lambda: not any(one.is_running() for one in [*gone, *below]), "processes of workers are left")


def _graded_with_a_death(course: Course, folder, local):
    """Grade, and kill the first worker once some results are there; return the call, and what that worker had below."""
    calls: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: calls.append(grade(course, folder, "--scheduler", local.address)))
    thread.start()
    results = course.out(folder) / "results"
    wait_until(lambda: len(list(results.glob("*/*/results.json"))) >= KILLED_AFTER or not thread.is_alive())
    first = local.workers.pop(0)
    gone = psutil.Process(first.pid).children(recursive=True)
    assert thread.is_alive(), calls
    assert any("autograde.worker" in one.cmdline() for one in gone)
    first.kill()
    first.wait()
    thread.join()
    return calls[0], gone
