"""`release`: make the students' notebooks."""

from __future__ import annotations

import argparse

from autograde.course import CannotGrade
from autograde.verbs.options import Verbs, the_labs, verb


def add(verbs: Verbs) -> None:
    more = "Reads solutions/<lab>/<lab>.py, writes labs/<lab>/<lab>.ipynb."
    parser = verb(verbs, "release", "Make the students' notebooks", more)
    differs = "write nothing; exit 1 when a released notebook is not what its source makes"
    parser.add_argument("--check", action="store_true", help=differs)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    from autograde.release import release

    course, labs = the_labs(options)
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
