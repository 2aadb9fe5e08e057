"""`check`: try the tests of a lab on wrong and right answers."""

from __future__ import annotations

import argparse
import sys

from autograde.inside.results import to_json
from autograde.verbs.options import Verbs, add_jobs, add_output, add_unsafe, start_grading, the_labs, verb


def add(verbs: Verbs) -> None:
    more = "Solution: all points. Release: not attempted. Each answer of solutions/<lab>/mutants.py: as it says there."
    parser = verb(verbs, "check", "Try the tests of a lab on wrong and right answers", more)
    add_output(parser)
    add_jobs(parser)
    add_unsafe(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    start_grading()
    from autograde.check import check
    from autograde.pool import Pool

    course, labs = the_labs(options)
    with Pool(course.root, unsafe=options.unsafe) as pool:
        found = [check(course, lab, options.jobs, pool) for lab in labs]
    ok = not any(one.failures for one in found)
    for one in found:
        for failure in one.failures:
            print(f"{one.lab}: {failure}", file=sys.stderr)
    if options.json:
        print(to_json({"version": 1, "ok": ok, "labs": [one.public() for one in found]}), end="")
    else:
        print("\n".join(one.text() for one in found))
    return 0 if ok else 1
