"""Before a class is graded: may anybody be graded with these tests, on this machine?

The solution must get all points here, the release must be not attempted, every wrong answer of the lab must lose what
it must, and every right one keep all. A library that cannot be imported in the sandbox shows in the first of these.
"""

from __future__ import annotations

import sys

from tqdm import tqdm

from autograde.check import check_at
from autograde.course import CannotGrade
from autograde.pipeline import Bench, try_solution

SHOWN = 5  # failures in the sentence; the rest is counted


def preflight(place: Bench, at_once: int) -> None:
    """Try the tests of a lab, with the seed of this class.

    Raises:
        CannotGrade: something is not as it must be, so grades would be unfair. Nobody was graded.
    """
    what = "its tests are tried on the course's own answers, right and wrong; once, until lab or grader change"
    tqdm.write(f"{place.lab.name}: before anybody is graded, {what} ...", file=sys.stderr)  # between the bar's lines
    try_solution(place)  # first and alone: where it fails, all that follows would
    failures = check_at(place, at_once).failures
    if failures:
        more = [f"and {len(failures) - SHOWN} more"] if len(failures) > SHOWN else []
        told = "; ".join([*failures[:SHOWN], *more])
        way_out = f"Nobody was graded. See `python -m autograde check --lab {place.lab.name}`."
        raise CannotGrade(f"The tests of {place.lab.name} are not fit to grade a class: {told}. {way_out}")
