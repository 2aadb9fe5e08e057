"""`regrade`: grade one submission again."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from autograde.course import CannotGrade
from autograde.inside.results import to_json
from autograde.lock import only_one, stopped_politely
from autograde.regrade import regrade
from autograde.roster import chosen_labs
from autograde.verbs.grade import the_way
from autograde.verbs.options import Verbs, add_database, add_output, add_run, start_grading, the_class, verb


def add(verbs: Verbs) -> None:
    more = (
        "Runs it though nothing changed. With EXERCISE only that exercise's result is replaced. Note, exercise and the "
        "scores before and after are kept with the result, and `report` shows them. Marks by hand stay."
    )
    parser = verb(verbs, "regrade", "Grade one submission again", more)
    parser.add_argument("student", metavar="STUDENT", help="name of the student's folder")
    parser.add_argument("exercise", metavar="EXERCISE", nargs="?", default="", help="only this exercise of the lab")
    parser.add_argument("--note", metavar="TEXT", type=_said, required=True, help="why; the student reads it")
    where = "the class: <student>/<lab>/<lab>.ipynb (default: autograde/submitted)"
    parser.add_argument("--folder", metavar="FOLDER", type=Path, help=where)
    add_output(parser)
    add_run(parser)
    add_database(parser)
    parser.set_defaults(verb=_run)


def _said(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty, and the student reads it")
    return text


def _run(options: argparse.Namespace) -> int:
    course, folder = the_class(options)
    labs = chosen_labs(course, folder, options.lab)
    if len(labs) != 1:
        raise CannotGrade(f"The class handed in {', '.join(lab.name for lab in labs)}. Say which one: --lab LAB.")
    lab, how = labs[0], the_way(options, course, folder)
    start_grading()
    with only_one(course.out(folder)), stopped_politely():
        done = regrade(course, folder, lab, options.student, options.exercise, options.note, how)
    if options.json:
        print(to_json({"version": 1, "student": options.student, "lab": lab.name, **asdict(done)}), end="")
        return 0
    what = f"{options.student}, {lab.name}{f', {done.exercise}' if done.exercise else ''}"
    print(f"{what}: {done.score_before:g} points before, {done.score_after:g} after. Note: {done.note}")
    return 0
