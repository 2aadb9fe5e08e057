"""`export`: write the grades for another program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograde.course import CannotGrade
from autograde.inside.results import SubmissionResult, to_json, write_whole
from autograde.report.exports import BYTE_ORDER_MARK, FORMATS
from autograde.report.summary import NO_SCORE
from autograde.verbs.graded import the_graded
from autograde.verbs.options import Verbs, add_database, add_folder, add_output, verb

EPILOG = """\
Formats:
  csv      for a spreadsheet: a row per student and lab with status, total, and a column per exercise
  canvas   for Canvas, Grades > Import: a column per lab. Students are found by `SIS Login ID`, so the folders of the
           class must be named so; name each Canvas assignment as the lab, or Canvas makes a new one
  moodle   for Moodle, Grades > Import > CSV file: grade and feedback per lab. Map `username` to the student, and of
           each lab both columns; one student whom Moodle does not know stops its import
  json     for a program of your own: everything that `report --json` prints

What a person gave in the gradebook counts, extra credit too. In canvas and moodle a notebook that was missing, or that
the grader failed on, has no grade: it is never a 0. No cell of any format is executed by a spreadsheet.
"""


def add(verbs: Verbs) -> None:
    parser = verb(verbs, "export", "Write the grades for a spreadsheet, Canvas or Moodle", "Runs no student's code.")
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add_folder(parser)
    add_output(parser)
    add_database(parser)
    parser.add_argument("--to", metavar="FILE", type=Path, required=True, help="where to write; - prints instead")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="for which program (default: csv)")
    mark = "begin with a byte order mark: Excel then shows Zoë, and other programs may trip over it"
    parser.add_argument("--bom", action="store_true", help=mark)
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    printed = str(options.to) == "-"
    if not printed:
        _writable(options.to, options.force)
    _, _, results = the_graded(options)
    text = BYTE_ORDER_MARK * options.bom + FORMATS[options.format](results)
    if printed:
        print(text, end="")
        return 0
    write_whole(options.to, text)
    if options.json:
        print(to_json({"version": 1, "format": options.format, "to": str(options.to), **_counts(results)}), end="")
        return 0
    print(f"{len(results)} submissions: {options.to}")
    for told in _warnings(_counts(results)):
        print(told, file=sys.stderr)
    return 0


def _writable(path: Path, force: bool) -> None:
    """Refuse before any work is done. What lies there may be somebody's download of the same name."""
    if path.is_dir():
        raise CannotGrade(f"{path} is a folder. Name a file in it: --to {path / 'grades.csv'}")
    if not path.parent.is_dir():
        raise CannotGrade(f"There is no folder {path.parent}. Make it first, or write somewhere else.")
    if path.exists() and not force:
        raise CannotGrade(f"{path} exists already. Add --force to replace it, or name another file.")


def _counts(results: Sequence[SubmissionResult]) -> dict[str, list[str]]:
    """Return whose grade is not known, and whose is not the last word."""
    return {
        "no_grade": [f"{one.student}/{one.lab}: {one.status}" for one in results if one.status in NO_SCORE],
        "waiting": [
            f"{one.student}/{one.lab}"
            for one in results
            if any(part.status == "needs_grader" for part in one.exercises)
        ],
    }


def _warnings(counts: dict[str, list[str]]) -> list[str]:
    told = {"no_grade": "without a grade", "waiting": "with answers that a person has yet to read; they count 0 so far"}
    return [f"{len(found)} {told[kind]}: {_some(found)}" for kind, found in counts.items() if found]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f", and {len(names) - 5} more" if len(names) > 5 else "")
