"""`mine`: a learner's own copy of a lab, graded."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograde.course import ROOT, CannotGrade, Course, Lab
from autograde.inside.results import SubmissionResult, to_json
from autograde.report.table import LEGEND, MARKS
from autograde.verbs.options import Verbs, add_output

if TYPE_CHECKING:
    from autograde.mine import Mine

INDENT = " " * 14  # under an exercise's title
WIDEST = 100  # characters of a line of text: longer ones are hard to read
NO_SANDBOX = "It ran without a sandbox, as it does in JupyterLab: it is your own code on your own machine."


def add(verbs: Verbs) -> None:
    summary = "Grade your own copy of a lab"
    more = (
        "Reads work/labs/<lab>/<lab>.ipynb and changes nothing there. The feedback is shown here and as a page; once "
        "you have tried an exercise, the course's solution can be shown beside your answer."
    )
    parser = verbs.add_parser("mine", help=summary, description=f"{summary}. {more}")
    which = "which one; its short name (lab04) is enough (default: every lab that you have changed)"
    parser.add_argument("lab", metavar="LAB", nargs="?", help=which)
    where = "folder with solutions/, labs/ and work/ (default: this repository)"
    parser.add_argument("--course", metavar="DIR", type=Path, default=ROOT, help=where)
    shown = "write a page with the course's solution beside each answer that you have tried"
    parser.add_argument("--solutions", action="store_true", help=shown)
    add_output(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    if sys.platform == "win32":
        raise CannotGrade(
            "Notebooks are graded on Linux or macOS; on Windows use WSL. The checks in a lab work anywhere."
        )
    try:
        from autograde.mine import changed_labs, grade_mine
    except ModuleNotFoundError as error:  # a set-up that was made for studying alone
        raise CannotGrade(f"{error}: what grades a lab is not installed here yet. `make mine` installs it.") from error
    course = Course(options.course.resolve())
    labs = [course.lab(options.lab)] if options.lab else changed_labs(course)
    found: list[Mine] = []
    for lab, one in zip(labs, grade_mine(course, _announced(labs), options.solutions), strict=True):
        if not options.json:
            print(*[""] * bool(found), *_lines(lab, one), sep="\n", flush=True)
        found.append(one)
    if options.json:
        print(to_json({"version": 1, "labs": [one.public() for one in found]}), end="")
    elif not found:
        print("Every lab in work/labs is as it was handed out: there is nothing to grade yet.")
    return 0


def _announced(labs: Sequence[Lab]) -> Iterator[Lab]:
    """Yield each lab when its turn comes, and say so where it hides in no output: the first takes seconds to start."""
    for lab in labs:
        print(f"Grading {lab.name} ...", file=sys.stderr, flush=True)
        yield lab


def _lines(lab: Lab, mine: Mine) -> Iterator[str]:
    from autograde.feedback import cut, headline, is_unknown

    result = cut(mine.result, ())
    yield f"{result.lab}: {headline(result)}"
    for said in (result.sentence, mine.next_step, *result.notes):
        yield from _wrapped(said, "  ")
    if not is_unknown(result):
        yield from _exercises(result)
    if result.isolation != "sandbox":
        yield NO_SANDBOX
    yield f"Feedback page: {mine.feedback}"
    yield _about_solutions(lab, mine)


def _exercises(result: SubmissionResult) -> Iterator[str]:
    from autograde.feedback import look_first, where_it_stopped
    from autograde.pages import plain

    yield ""
    for one in result.exercises:
        got = f"{one.score:g} / {one.max_score:g}"
        yield f"  {MARKS[one.status]} {got:>8}  {one.title}"
        for said in (one.message, look_first(one, result.exercises)):
            yield from _wrapped(said, INDENT)
        if one.frames and one.status in ("wrong", "partial"):
            yield f"{INDENT}{where_it_stopped(one)}"
            yield from (INDENT + line for frame in one.frames for line in plain(frame).splitlines())
    yield f"\n{LEGEND}\n"


def _wrapped(text: str, indent: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, WIDEST)
    lines = [line for line in text.splitlines() if line.strip()]
    return [
        part for line in lines for part in textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=indent)
    ]


def _about_solutions(lab: Lab, mine: Mine) -> str:
    if mine.solutions:
        return f"Your answers and the course's, side by side: {mine.solutions}"
    if not mine.tried:
        return "The course's solution opens beside an answer of yours, be it a wrong one: there is none yet."
    count = f"{len(mine.tried)} exercise{'s' * (len(mine.tried) != 1)} that you have tried"
    name = lab.name.split("_")[0]
    way = f"py .ci\\course.py mine {name}" if os.name == "nt" else f"make mine LAB={name}"
    return f"The course's solution to the {count} can stand beside yours: {way} ARGS=--solutions"
