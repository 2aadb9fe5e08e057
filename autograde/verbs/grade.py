"""`grade`: grade a class."""

from __future__ import annotations

import argparse

from autograde.inside.results import to_json
from autograde.report import by_lab_and_student, table
from autograde.verbs.options import Verbs, add_folder, add_jobs, add_output, start_grading, the_class, verb


def add(verbs: Verbs) -> None:
    more = (
        "FOLDER holds <student>/<lab>/<lab>.ipynb. Scores, feedback and grades.csv go to autograde/out/. "
        "A student's code runs as you: grade on a machine that you can lose until the sandbox is there."
    )
    parser = verb(verbs, "grade", "Grade a class", more)
    add_folder(parser)
    add_output(parser)
    add_jobs(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    start_grading()
    from tqdm import tqdm

    from autograde.grade import chosen_labs, count, golden_differences, grade

    course, folder = the_class(options)
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
