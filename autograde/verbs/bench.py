"""`bench`: this grader's speed beside that of `nbgrader autograde`, on the same class."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from autograde.course import CannotGrade, Course
from autograde.verbs.options import Verbs, start_grading, verb

if TYPE_CHECKING:
    from autograde.bench.compare import Comparison

DEFAULT = "lab04"


def add(verbs: Verbs) -> None:
    more = (
        "Makes an honest class from a lab's own right and wrong answers, and grades it with both, sandboxed and split. "
        "Takes minutes. The machine should do nothing else meanwhile. Prints a table, then one line of JSON."
    )
    parser = verb(verbs, "bench", "How fast is this, beside nbgrader autograde?", more)
    parser.add_argument("--submissions", metavar="N", type=int, default=200, help="the class (default: 200)")
    parser.add_argument("--sample", metavar="N", type=int, default=10, help="how many nbgrader grades (default: 10)")
    parser.add_argument("--all", action="store_true", help="let nbgrader grade all of them")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="of ours, side by side (default: 2)")
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    start_grading()
    sample = options.submissions if options.all else min(options.sample, options.submissions)
    if sample < 2 or options.submissions < 3 or options.jobs < 1:
        raise CannotGrade("A speed needs a class of at least 3, a sample of at least 2, and one job.")
    from autograde.bench.compare import compare

    course = Course(options.course.resolve())
    found = compare(course, course.lab(options.lab or DEFAULT), options.submissions, sample, options.jobs)
    print(table(found))
    print(json.dumps(found.public()))
    return 0


def table(found: Comparison) -> str:
    """Return the comparison for people."""
    rows = (
        ("", "nbgrader autograde", f"autograde grade --jobs {found.jobs}"),
        ("notebooks", f"the first {found.sample}", f"{found.submissions}"),
        ("seconds each", f"{found.theirs_each:.3f}", f"{found.ours_each:.3f}"),
        ("the lab's own CPU seconds in it", f"{found.cpu_of_the_lab_in_sample:.3f}", f"{found.cpu_of_the_lab:.3f}"),
        ("seconds of a call for one", f"{found.theirs_start:.1f}", f"{found.ours_start:.1f}"),
        ("seconds of the first call ever", "-", f"{found.preflight:.1f} (tries the tests, once per lab)"),
        ("nothing changed, ms each", "-", f"{found.rerun_ms_each:.1f}"),
        ("peak of the grading process, MB", "-", f"{found.peak_mb:.0f}"),
    )
    loaded = ", ".join(f"{role} {megabytes:.0f} MB" for role, megabytes in found.preloaded_mb.items())
    lines = [f"{name:<34}{one:<22}{other}" for name, one, other in rows]
    lines += [
        "",
        f"{found.lab}: {found.ratio:.1f} times as fast; the same {found.total:g} points for the {found.sample}.",
        f"Preloaded servers: {loaded}. In force: {', '.join(found.isolation)}.",
        f"{found.machine}; {', '.join(f'{name} {number}' for name, number in found.versions.items())}.",
    ]
    return "\n".join(lines)
