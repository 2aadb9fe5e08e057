"""The command line: verbs, their help, and exit statuses.

0: the tool did its work (a student's failing answer is no failure of the tool). 1: it could not, and says why.
2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TypeAlias

from autograde import forkserver
from autograde.course import ROOT, CannotGrade, Course, Lab
from autograde.report import as_json, by_lab_and_student, load, table
from autograde.results import to_json

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
        status = int(options.verb(options))
        sys.stdout.flush()
        return status
    except CannotGrade as error:
        print(f"autograde: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"autograde: {error}. Install what an instructor needs: pip install -e '.[instructor]'", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever reads what we print has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"autograde: {error}. Is there room on the disk, and may you read and write there?", file=sys.stderr)
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
    for add in (_add_release, _add_check, _add_grade, _add_report):
        add(verbs)
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


def _add_check(verbs: Verbs) -> None:
    more = "Solution: all points. Release: not attempted. Each answer of solutions/<lab>/mutants.py: as it says there."
    parser = _verb(verbs, "check", "Try the tests of a lab on wrong and right answers", more)
    _add_output(parser)
    _add_jobs(parser)
    parser.set_defaults(verb=_check)


def _check(options: argparse.Namespace) -> int:
    _start_grading()
    from autograde.check import check

    course, labs = _labs(options)
    found = [check(course, lab, options.jobs) for lab in labs]
    ok = not any(one.failures for one in found)
    for one in found:
        for failure in one.failures:
            print(f"{one.lab}: {failure}", file=sys.stderr)
    if options.json:
        print(to_json({"version": 1, "ok": ok, "labs": [one.public() for one in found]}), end="")
    else:
        print("\n".join(one.text() for one in found))
    return 0 if ok else 1


def _add_grade(verbs: Verbs) -> None:
    more = (
        "FOLDER holds <student>/<lab>/<lab>.ipynb. Scores, feedback and grades.csv go to autograde/out/. "
        "A student's code runs as you: grade on a machine that you can lose until the sandbox is there."
    )
    parser = _verb(verbs, "grade", "Grade a class", more)
    _add_folder(parser)
    _add_output(parser)
    _add_jobs(parser)
    parser.set_defaults(verb=_grade)


def _grade(options: argparse.Namespace) -> int:
    _start_grading()
    from tqdm import tqdm

    from autograde.grade import chosen_labs, count, golden_differences, grade

    course, folder = _class(options)
    labs = chosen_labs(course, folder, options.lab)
    graded = grade(course, folder, labs, options.jobs)
    # disable=None: a bar on a terminal, and nothing in a log or a pipe
    results = sorted(
        tqdm(graded, "grading", count(folder, labs), unit="notebook", disable=None), key=by_lab_and_student
    )
    if options.json:
        print(to_json({"version": 1, "submissions": [one.public() for one in results]}), end="")
        return 0
    print(table(results))
    print(f"\nGradebook, feedback and grades.csv: {course.out(folder)}")
    _compare(golden_differences(folder, results), len(results))
    return 0


def _compare(differences: list[str] | None, total: int) -> None:
    if differences is not None:
        print(f"Golden results: {total - len(differences)} of {total} as expected.", *differences, sep="\n  ")


def _add_report(verbs: Verbs) -> None:
    parser = _verb(verbs, "report", "Show a graded class", "Reads what `grade` left; runs nothing.")
    _add_folder(parser)
    _add_output(parser)
    parser.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> int:
    course, folder = _class(options)
    results = load(course.out(folder) / "results")
    if options.lab:
        results = [one for one in results if one.lab == course.lab(options.lab).name]
    if not results:
        raise CannotGrade(f"{folder} was not graded yet. Run `python -m autograde grade {quote(str(folder))}`.")
    print(to_json(as_json(results)) if options.json else table(results))
    return 0


def _add_folder(parser: argparse.ArgumentParser) -> None:
    where = "the class: <student>/<lab>/<lab>.ipynb (default: autograde/submitted)"
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help=where)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs, and nothing else")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    cores = os.cpu_count() or 1
    at_once = f"how many notebooks run side by side (default: one per core, here {cores})"
    parser.add_argument("--jobs", metavar="N", type=_positive, default=cores, help=at_once)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _class(options: argparse.Namespace) -> tuple[Course, Path]:
    course = Course(options.course.resolve())
    return course, (options.folder or course.submitted).resolve()


def _start_grading() -> None:
    """Start the process server before this process loads what it needs itself."""
    if sys.platform == "win32":
        raise CannotGrade("Notebooks are graded on Linux or macOS; on Windows use WSL. Making and reading labs works.")
    forkserver.start()
