"""`feedback`: write the pages that students get back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from autograde.course import CannotGrade, Course
from autograde.feedback import page
from autograde.inside.results import SubmissionResult, to_json, write_whole
from autograde.lock import only_one
from autograde.roster import to_choose_from
from autograde.verbs.graded import the_graded
from autograde.verbs.options import Verbs, add_database, add_folder, add_output, verb


def add(verbs: Verbs) -> None:
    more = (
        "`grade` writes them too; this writes them again after people gave marks or comments in the gradebook "
        "(nbgrader's formgrader). One HTML page per student and lab, in which nothing runs. Runs no student's code."
    )
    parser = verb(verbs, "feedback", "Write the pages that students get back", more)
    add_folder(parser)
    add_output(parser)
    add_database(parser)
    parser.add_argument("--student", metavar="STUDENT", help="only the pages of this student")
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    course, folder, results = the_graded(options)
    mine = [one for one in results if options.student in (None, one.student)]
    if not mine:
        known = {one.student for one in results}
        raise CannotGrade(f"There is no result of {options.student!r}. {to_choose_from(options.student, known)}")
    place = course.out(folder) / "feedback"
    hidden = {lab: hidden_lines(course, lab, folder) for lab in {one.lab for one in mine}}
    with only_one(course.out(folder)):  # `grade` writes the same files
        written = [(one, _write(place, one, hidden[one.lab])) for one in mine]
    if options.json:
        pages = [{"student": one.student, "lab": one.lab, "page": str(path)} for one, path in written]
        print(to_json({"version": 1, "feedback": str(place), "pages": pages}), end="")
        return 0
    shown = written[0][1] if len(written) == 1 else place / "STUDENT" / "LAB" / "LAB.html"
    print(f"{len(written)} page{'s' * (len(written) != 1)}: {shown}")
    return 0


def _write(place: Path, result: SubmissionResult, hidden: Sequence[str]) -> Path:
    path = place / result.student / result.lab / f"{result.lab}.html"
    write_whole(path, page(result, hidden=hidden))
    return path


def hidden_lines(course: Course, lab: str, folder: Path) -> list[str]:
    """Return the hidden lines of a lab, none if it is no longer here: results were rid of them when they were made."""
    from autograde.build import build  # loads jupytext and nbgrader, which take 2 s
    from autograde.release import HIDDEN, secret_lines

    found = [one for one in course.labs() if one.name == lab]
    return [line for one in found for line in secret_lines(build(one, course.seed(one, folder)), HIDDEN)]
