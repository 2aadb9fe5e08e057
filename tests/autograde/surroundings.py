"""All that an attack could reach, laid out to be watched: a course, a home, a listener.

    course/      the toy and the labs of the gallery, solutions, a secret seed, the gradebook of another year
    home/        the instructor's home, with a key in it
    listener     a TCP port and two Unix sockets that no submission may reach

Each secret holds a mark that nobody can guess.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autograde.course import ROOT, Course
from tests.autograde.gallery import TOY

SOURCES = Path(__file__).parent / "toy" / "solutions" / TOY
LIMITS = """\
seed = 424242
[limits]
cell_seconds = 2
submission_seconds = 6
memory_gb = 1.25
processes = 32
file_mb = 20
output_bytes = 1000000
notebook_bytes = 2000000
"""
NO_ANSWERS = "MUTANTS = []\nRIGHT_ANSWERS = []\n"  # whether tests are good is asked elsewhere
LEFT = "left_by_a_student"
MARKED = ("solution", "hidden test", "seed", "home", "environment", "gradebook", "earlier result", "classmate")


@dataclass(frozen=True)
class Surroundings:
    """A course, a home and a listener, each with its mark."""

    root: Path
    port: int = 0
    socket: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def course(self) -> Course:
        return Course(self.root / "course")

    @property
    def home(self) -> Path:
        return self.root / "home"

    def folder(self, lab: str) -> Path:
        """Return the class that hands in a lab: that of the toy is the course's own, the labs share another."""
        return self.course.submitted if lab == TOY else self.root / "class_of_labs"


def surroundings(root: Path, blank: Path, labs: Iterable[str], marks: Mapping[str, str]) -> Surroundings:
    """Lay out a course with the toy and `labs`, and a home, in `root`. `marks` are new ones unless given."""
    around = Surroundings(root, marks=marks or {name: f"KEEP-OUT-{uuid.uuid4().hex}" for name in MARKED})
    solutions, marks = around.course.root / "solutions", around.marks
    shutil.copytree(SOURCES, solutions / TOY)
    (solutions / TOY / "lab.toml").write_text(LIMITS)
    for path, where, mark in (
        (solutions / TOY / "toy.py", "    return x + x", marks["solution"]),
        (solutions / TOY / "reference.py", "    return number * 2", marks["hidden test"]),
    ):
        path.write_text(path.read_text().replace(where, f"    # {mark}\n{where}"))
    for lab in set(labs) - {TOY}:
        shutil.copytree(ROOT / "solutions" / lab, solutions / lab, ignore=shutil.ignore_patterns("__pycache__"))
        (solutions / lab / "mutants.py").write_text(NO_ANSWERS)
    out = around.course.out(around.course.submitted)
    out.mkdir(parents=True)
    shutil.copyfile(blank, out.parent / "blank_gradebook.db")
    (around.course.root / "autograde" / "secret_seed").write_text(marks["seed"] + "\n")
    (out.parent / "last_year").mkdir()
    (out.parent / "last_year" / "results.json").write_text(marks["earlier result"])
    with sqlite3.connect(out.parent / "last_year" / "gradebook.db") as book:
        book.execute("CREATE TABLE grade (manual_score, auto_score, note)")
        book.execute("INSERT INTO grade VALUES (1, 1, ?)", [marks["gradebook"]])
    (around.home / ".ssh").mkdir(parents=True)
    (around.home / ".ssh" / "id_ed25519").write_text(marks["home"])
    (around.home / ".bashrc").write_text(f"# {marks['home']}\n")
    return around


@contextmanager
def listening(root: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Listen on a TCP port, on an abstract Unix socket and on one with a path; yield port, name and who called."""
    name, calls = f"launch-bound-{uuid.uuid4().hex}", []
    inet, abstract, path = socket.create_server(("127.0.0.1", 0)), *(socket.socket(socket.AF_UNIX) for _ in range(2))
    abstract.bind(f"\0{name}")
    before = Path.cwd()
    os.chdir(root)  # a socket's path may have 108 bytes
    path.bind("socket")
    os.chdir(before)

    def answer(one: socket.socket) -> None:
        while True:
            try:
                one.accept()
            except OSError:
                return
            calls.append(str(one.getsockname()))

    for one in (inet, abstract, path):
        one.listen()
        threading.Thread(target=answer, args=(one,), daemon=True).start()
    try:
        yield inet.getsockname()[1], name, calls
    finally:
        for one in (inet, abstract, path):
            one.close()


def fingerprints(around: Surroundings) -> dict[str, str]:
    """Return the hash of every file that grading has no business to change, by its path."""
    kept = [path for path in around.root.rglob("*") if not _may_change(path, around)]
    found = {str(path): _hash(path) for path in kept if path.is_file() and not path.is_symlink()}
    places = ("/", tempfile.gettempdir(), "/var/tmp", "/dev/shm", "/run", "/etc", "/usr/local/bin", sys.prefix)
    known = [ROOT, ROOT / "mini_lib", *map(Path, filter(None, [*places, *sys.path]))]
    planted = [path for folder in known if folder.is_dir() for path in folder.glob(f"{LEFT}*")]
    library = list((ROOT / "mini_lib").rglob("*.py")) + list(Path(os.__file__).parent.glob("*.py"))
    return found | {str(path): "planted" for path in planted} | {str(path): _hash(path) for path in library}


def _may_change(path: Path, around: Surroundings) -> bool:
    """Results, caches of the tools that grade, and the watcher's reports."""
    inside = path.relative_to(around.root).parts
    out = inside[:3] == ("course", "autograde", "out") and inside[3:4] != ("last_year",)
    return out or inside[:2] == ("home", ".cache") or inside[0].startswith("watched_") or "__pycache__" in inside


def _hash(path: Path) -> str:
    if path.stat().st_size > 50_000_000:  # the file of 100 GB that is all hole
        return str(path.stat().st_size)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
