"""`report`: show a graded class."""

from __future__ import annotations

import argparse
from shlex import quote

from autograde.course import CannotGrade
from autograde.inside.results import to_json
from autograde.report import as_json, load, table
from autograde.verbs.options import Verbs, add_folder, add_output, the_class, verb


def add(verbs: Verbs) -> None:
    parser = verb(verbs, "report", "Show a graded class", "Reads what `grade` left; runs nothing.")
    add_folder(parser)
    add_output(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    course, folder = the_class(options)
    results = load(course.out(folder) / "results")
    if options.lab:
        results = [one for one in results if one.lab == course.lab(options.lab).name]
    if not results:
        raise CannotGrade(f"{folder} was not graded yet. Run `python -m autograde grade {quote(str(folder))}`.")
    print(to_json(as_json(results)) if options.json else table(results))
    return 0
