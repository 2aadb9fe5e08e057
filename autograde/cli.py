"""The command line: verbs, their help, and exit statuses.

0: the tool did its work (a student's failing answer is no failure of the tool). 1: it could not, and says why.
2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from autograde.course import CannotGrade
from autograde.verbs import bench, check, doctor, export, feedback, grade, mine, regrade, release, report, similar

VERBS = (doctor, release, check, grade, regrade, feedback, report, export, similar, mine, bench)

EPILOG = """\
A usual day:
  python -m autograde doctor             once on a new machine: can it isolate students' code?
  python -m autograde release            after a change in solutions/: make labs/ anew
  python -m autograde check              are the tests good? wrong answers must lose, right ones must not
  python -m autograde grade ~/class      folder with <student>/<lab>/<lab>.ipynb; scores, feedback, grades.csv
  python -m autograde report ~/class     the table once more, and a page with pictures
  python -m autograde feedback ~/class   students' pages again, once people gave marks and comments by hand
  python -m autograde export ~/class --to grades.csv   for a spreadsheet, Canvas or Moodle
  python -m autograde similar ~/class    who shares more than the release explains?
  python -m autograde mine lab04         your own copy in work/, graded

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
        print("autograde: stopped by you. What is done is kept: the same command goes on from there.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autograde",
        description="Make labs from their sources, and grade a class of notebooks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
