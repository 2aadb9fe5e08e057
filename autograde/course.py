"""Where a course keeps its things: lab sources, releases, submissions, and what grading leaves behind.

    solutions/<lab>/<lab>.py     source (jupytext percent), beside it reference.py, mutants.py, lab.toml
    labs/<lab>/<lab>.ipynb       what students get, generated
    autograde/submitted/         the class: <student>/<lab>/<lab>.ipynb
    autograde/out/<class>/       gradebook, results, feedback, grades.csv
    autograde/secret_seed        the instructor's own: what seeds hidden tests of a real class
    autograde/gradebook_url      the instructor's own: where the gradebook is, when it is no file (PostgreSQL)

`lab.toml` is optional. It may set `seed`, `student_files`, `answers_together`, `mode` with its `reason`,
`made_by_the_tester`, and the tables `[limits]` and `[environment]`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class CannotGrade(Exception):
    """The tool could not do its work; the message says what was tried and what to do. Exit status 1."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. The defaults fit a lab that imports torch and computes little."""

    cell_seconds: int = 15
    submission_seconds: int = 90
    memory_gb: float = 4.0  # that it may write; torch alone takes 0.3 GB, built for CUDA 0.9 GB
    processes: int = 64  # and threads, at a time
    file_mb: int = 50  # all files in the private folder together, which is kept in memory
    cell_output_bytes: int = 100_000
    output_bytes: int = 2_000_000  # of all cells together
    notebook_bytes: int = 20_000_000


@dataclass(frozen=True)
class Lab:
    """One lab of a course: its name, its files and its settings."""

    folder: Path
    seed: int = 1
    limits: Limits = Limits()
    student_files: tuple[str, ...] = ()  # handed in beside the notebook, and copied beside it for the run
    environment: Mapping[str, str] = field(default_factory=dict)
    answers_together: tuple[str, ...] = ()  # exercises whose answers `check` may hand in with one another: saves runs
    mode: str = "split"  # where the tests run: "split" from the student's process, or "in_process" with canaries
    reason: str = ""  # why a lab needs "in_process"
    made_by_the_tester: tuple[str, ...] = ()  # classes that a student's call asks the tester for: "mini_lib.Engine"

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        return self.folder / f"{self.name}.py"


@dataclass(frozen=True)
class Course:
    """A folder with `solutions/`, `labs/` and `autograde/`."""

    root: Path = ROOT

    @property
    def submitted(self) -> Path:
        return self.root / "autograde" / "submitted"

    @property
    def sample_class(self) -> Path:
        return self.root / "autograde" / "sample_class"

    def labs(self) -> list[Lab]:
        """Return every lab that has a source, by name."""
        folders = sorted(path for path in (self.root / "solutions").glob("*") if (path / f"{path.name}.py").is_file())
        return [read_lab(folder) for folder in folders]

    def lab(self, name: str) -> Lab:
        """Return the lab that is called `name`; `lab04` is enough for `lab04_capture_sizes`.

        Raises:
            CannotGrade: no lab, or more than one, is called so.
        """
        labs = self.labs()
        matching = [lab for lab in labs if lab.name == name] or [lab for lab in labs if lab.name.split("_")[0] == name]
        if len(matching) != 1:
            known = ", ".join(lab.name for lab in labs) or "none"
            raise CannotGrade(f"No one lab is called {name!r}. The labs in {self.root / 'solutions'} are: {known}.")
        return matching[0]

    def release_path(self, lab: Lab) -> Path:
        return self.root / "labs" / lab.name / f"{lab.name}.ipynb"

    def out(self, submissions: Path) -> Path:
        """Return where the results of a folder of submissions go: two folders never share one."""
        folder = submissions.resolve()
        for name, known in (("class", self.submitted), ("sample_class", self.sample_class)):
            if folder == known.resolve():
                return self.root / "autograde" / "out" / name
        mark = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
        return self.root / "autograde" / "out" / f"{folder.name}-{mark}"

    def seed(self, lab: Lab, submissions: Path) -> int:
        """Return the seed of the hidden tests: the instructor's own for a real class, the public one otherwise."""
        secret = self.secret(submissions)
        if not secret:
            return lab.seed
        digest = hashlib.sha256(f"{secret} {lab.name}".encode()).hexdigest()
        return int(digest[:15], 16)  # 60 bits: more than anybody can try who saw some of the numbers that it draws

    def secret(self, submissions: Path) -> str:
        """Return the instructor's secret, or an empty string where the public seed is used.

        Raises:
            CannotGrade: there is a file for it, and no secret in it.
        """
        path = self.root / "autograde" / "secret_seed"
        if submissions.resolve() == self.sample_class.resolve() or not path.exists():
            return ""
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise CannotGrade(f"{path} should hold a line of text, and cannot be read: {error}") from error
        if not secret:  # to take the public seed in silence would show the class its hidden tests
            raise CannotGrade(f"{path} is empty. Write a secret into it, or delete it to grade with the public seed.")
        return secret

    def database(self, submissions: Path, asked: str = "") -> str:
        """Return the address of the gradebook: what was asked for, else a file beside the results.

        For the class in `autograde/submitted` a line in `autograde/gradebook_url` (not kept in git) stands between:
        nbgrader's commands and the formgrader, which know only that class, read it from there as well.
        """
        line = self.root / "autograde" / "gradebook_url"
        if not asked and submissions.resolve() == self.submitted.resolve() and line.is_file():
            asked = line.read_text(encoding="utf-8").strip()
        return asked or f"sqlite:///{self.out(submissions) / 'gradebook.db'}?timeout=60"


def read_lab(folder: Path) -> Lab:
    """Return the lab in `folder` with the settings of its `lab.toml`.

    Raises:
        CannotGrade: the file is no TOML, or holds a setting that does not exist: most often a typing error.
    """
    path = folder / "lab.toml"
    try:
        settings: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for name in ("student_files", "answers_together", "made_by_the_tester"):
            settings[name] = tuple(settings.get(name, ()))
        return Lab(folder, **{**settings, "limits": Limits(**settings.get("limits", {}))})
    except (TypeError, ValueError) as error:  # TOMLDecodeError is a ValueError
        raise CannotGrade(
            f"{path}: {error}. Known settings: seed, student_files, answers_together, mode, reason, "
            "made_by_the_tester, limits, environment."
        ) from error
