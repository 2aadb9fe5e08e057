"""What several verbs ask for: a lab, a course, a folder of submissions, JSON, jobs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TypeAlias

from autograde.course import ROOT, CannotGrade, Course, Lab

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def verb(verbs: Verbs, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    """Return the parser of one verb, with the two options that all share."""
    parser = verbs.add_parser(name, help=summary, description=f"{summary}{'' if summary.endswith('?') else '.'} {more}")
    parser.add_argument("--lab", metavar="LAB", help="only this lab; its short name (lab04) is enough")
    where = "folder with solutions/ and labs/ (default: this repository)"
    parser.add_argument("--course", metavar="DIR", type=Path, default=ROOT, help=where)
    return parser


def the_labs(options: argparse.Namespace) -> tuple[Course, list[Lab]]:
    """Return the course and the labs that the user means."""
    course = Course(options.course.resolve())
    labs = [course.lab(options.lab)] if options.lab else course.labs()
    if not labs:
        raise CannotGrade(f"{course.root / 'solutions'} holds no lab. A lab is a folder NAME with a source NAME.py.")
    return course, labs


def add_folder(parser: argparse.ArgumentParser) -> None:
    where = "the class: <student>/<lab>/<lab>.ipynb (default: autograde/submitted)"
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help=where)


def add_database(parser: argparse.ArgumentParser) -> None:
    where = (
        "address of the gradebook, for example postgresql+psycopg://user@host/name (default: gradebook.db beside the "
        "results; for autograde/submitted the line in autograde/gradebook_url, if there is one)"
    )
    parser.add_argument("--db", metavar="URL", default="", help=where)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add what says where and how students' code runs."""
    add_jobs(parser)
    add_unsafe(parser)
    cluster = "run on a Dask cluster, for example tls://10.0.0.5:8786, in place of this machine"
    parser.add_argument("--scheduler", metavar="ADDRESS", default="", help=cluster)


def add_unsafe(parser: argparse.ArgumentParser) -> None:
    unsafe = "run students' code without a sandbox where this machine has none; every report says so"
    parser.add_argument("--unsafe", action="store_true", help=unsafe)


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs, and nothing else")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    cores = os.cpu_count() or 1
    at_once = f"how many notebooks at a time (default: one per core, here {cores})"
    parser.add_argument("--jobs", metavar="N", type=_positive, default=cores, help=at_once)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def the_class(options: argparse.Namespace) -> tuple[Course, Path]:
    course = Course(options.course.resolve())
    return course, (options.folder or course.submitted).resolve()


def start_grading() -> None:
    """Refuse where no notebook can be graded.

    Raises:
        CannotGrade: on Windows, which cannot fork.
    """
    if sys.platform == "win32":
        raise CannotGrade("Notebooks are graded on Linux or macOS; on Windows use WSL. Making and reading labs works.")
