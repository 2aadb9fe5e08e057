"""`report`: show a graded class."""

from __future__ import annotations

import argparse

from autograde.inside.results import to_json, write_whole
from autograde.report import as_json, table
from autograde.verbs.graded import the_graded
from autograde.verbs.options import Verbs, add_database, add_folder, add_output, verb


def add(verbs: Verbs) -> None:
    more = (
        "Prints a table and writes report.html beside the results: how the scores are spread, what became of each "
        "exercise, which wrong ideas were recognised, what failed and what to do about it. Marks that people gave in "
        "the gradebook count. Runs no student's code."
    )
    parser = verb(verbs, "report", "Show a graded class", more)
    add_folder(parser)
    add_output(parser)
    add_database(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    from autograde.report.page import report_page  # loads matplotlib, which no other verb needs

    course, folder, results = the_graded(options)
    page = course.out(folder) / "report.html"
    write_whole(page, report_page(folder.name, results))
    if options.json:
        print(to_json({**as_json(results), "page": str(page)}), end="")
        return 0
    print(table(results))
    print(f"\nThe same with pictures: {page}")
    return 0
