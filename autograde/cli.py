"""The command line: verbs, their help, and exit statuses.

0: the tool did its work (a student's failing answer is no failure of the tool). 1: it could not, and says why.
2: wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from autograde.course import ROOT, CannotGrade, Course, Lab

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EPILOG = """\
A usual day:
  python -m autograde release            after a change in solutions/: make labs/ anew
  python -m autograde check              are the tests good? wrong answers must lose, right ones must not
  python -m autograde grade ~/class      folder with <student>/<lab>/<lab>.ipynb; scores, feedback, grades.csv
  python -m autograde report ~/class     the table once more

Exit status: 0 the tool did its work, 1 it could not, 2 wrong usage.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status of the process."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except CannotGrade as error:
        print(f"autograde: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograde: stopped by you. No half-written result is left: start again.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autograde",
        description="Make labs from their sources, and grade a class of notebooks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_release(verbs)
    return parser


def _verb(verbs: Verbs, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    """Return the parser of one verb, with the two options that all share."""
    parser = verbs.add_parser(name, help=summary, description=f"{summary}. {more}")
    parser.add_argument("--lab", metavar="LAB", help="only this lab; its short name (lab04) is enough")
    where = "folder with solutions/ and labs/ (default: this repository)"
    parser.add_argument("--course", metavar="DIR", type=Path, default=ROOT, help=where)
    return parser


def _labs(options: argparse.Namespace) -> tuple[Course, list[Lab]]:
    """Return the course and the labs that the user means."""
    course = Course(options.course.resolve())
    labs = [course.lab(options.lab)] if options.lab else course.labs()
    if not labs:
        raise CannotGrade(f"{course.root / 'solutions'} holds no lab. A lab is a folder NAME with a source NAME.py.")
    return course, labs


def _add_release(verbs: Verbs) -> None:
    more = "Reads solutions/<lab>/<lab>.py, writes labs/<lab>/<lab>.ipynb."
    parser = _verb(verbs, "release", "Make the students' notebooks", more)
    differs = "write nothing; exit 1 when a released notebook is not what its source makes"
    parser.add_argument("--check", action="store_true", help=differs)
    parser.set_defaults(verb=_release)


def _release(options: argparse.Namespace) -> int:
    from autograde.release import release

    course, labs = _labs(options)
    stale = []
    for lab in labs:
        path, made = course.release_path(lab), release(course, lab)
        same = path.is_file() and path.read_bytes() == made
        if not (same or options.check):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
        stale += [] if same else [str(path.relative_to(course.root))]
        did = "as its source makes it" if same else "differs" if options.check else "written"
        print(f"{path.relative_to(course.root)}: {did}")
    if stale and options.check:
        way_out = "Run `python -m autograde release` and commit what it writes."
        raise CannotGrade(f"Not what solutions/ makes: {', '.join(stale)}. {way_out}")
    return 0
