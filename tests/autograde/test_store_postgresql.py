"""The gradebook in PostgreSQL: the same scores as in a file, from a real server that the test starts for itself."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograde.gradebook import COURSE_ID, url
from autograde.release import release
from tests.autograde.quick_class import answers, class_of, dump, hand_in, left, patched, runs

pytest.importorskip("psycopg", reason="needs psycopg: pip install -e '.[postgresql]'")
PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path(shutil.which("initdb") or "/-").parent]
PROGRAMS = next((place for place in PLACES if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)
# initdb refuses root: as root, the server runs as a user who owns nothing else.
USER = next((user for user in ("postgres", "nobody") if user in {one.pw_name for one in pwd.getpwall()}), "")


def as_user(command):
    mine = {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=120, **mine)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def server():
    """A cluster of its own, reached through a socket in its folder. Yields the address of an empty database."""
    if PROGRAMS is None:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    if os.getuid() == 0:
        shutil.chown(folder, USER)
    data, log = folder / "data", folder / "log"
    as_user([PROGRAMS / "initdb", "-D", data, "-U", "grader", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"])
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    as_user([PROGRAMS / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"])
    try:
        as_user([PROGRAMS / "createdb", "-h", folder, "-U", "grader", "class"])
        yield f"postgresql+psycopg://grader@/class?host={folder}"
    finally:
        as_user([PROGRAMS / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
        shutil.rmtree(folder)


@pytest.fixture
def toy(new_class, monkeypatch):
    toy = new_class()
    hand_in(toy.course, release(toy.course, toy.lab), class_of(5))
    patched(monkeypatch)
    return toy


def test_postgresql_holds_what_a_file_holds_and_keeps_what_people_enter(toy, server, monkeypatch):
    toy.grade()
    in_file, seen = dump(url(toy.out / "gradebook.db")), left(toy.out)
    toy.grade("--db", server)
    assert (dump(server), left(toy.out), len(runs(toy.out))) == (in_file, seen, 5)
    with Gradebook(server, COURSE_ID) as book:
        mark = book.find_grade("why", "toy", "toy", "student0001")
        mark.manual_score, mark.needs_manual_grade = 2.5, False
        book.db.commit()
    hand_in(toy.course, release(toy.course, toy.lab), {"student0001": {**answers(1), "why": "No."}, "new": answers(9)})
    line = toy.course.root / "autograde" / "gradebook_url"
    line.write_text(f"{server}\n")  # for the class in autograde/submitted, and for nbgrader's own commands
    printed = toy.grade()
    assert printed["student0001"]["exercises"][2]["score"] == 2.5
    with Gradebook(server, COURSE_ID) as book:
        mark = book.find_grade("why", "toy", "toy", "student0001")
        assert (mark.manual_score, mark.needs_manual_grade) == (2.5, True)
        assert len(book.find_submission_notebook("toy", "toy", "new").grades) == 3
    line.unlink()
    assert "student0001      8.5 / 9" in toy.call("report", "--db", server).stdout


@pytest.mark.parametrize("address", ["postgresql+psycopg://grader:hush@127.0.0.1:1/class", "nonsense", "mysql://x/y"])
def test_a_server_that_cannot_be_used_is_named_without_its_password(toy, address):
    called = toy.call("grade", "--db", address)
    assert called.returncode == 1
    assert called.stderr.startswith("autograde: The gradebook ")
    assert "hush" not in called.stderr
    assert "Traceback" not in called.stderr
