"""The class as one HTML page: pictures first, then what to do about it, then every submission.

The pictures lie in the page. A class of thousands is still one table without a script; a browser searches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograde.inside.results import SubmissionResult
from autograde.pages import WORDS, render
from autograde.report.next_steps import NEXT_STEPS
from autograde.report.pictures import histogram, success
from autograde.report.summary import FAILURES, NO_SCORE, Summary, by_lab, summary
from autograde.report.table import MARKS


def report_page(name: str, results: Sequence[SubmissionResult]) -> str:
    """Return the page of a class that is called `name`."""
    labs = [_lab(summary(lab, mine), mine) for lab, mine in by_lab(results).items()]
    about: dict[str, Any] = {"words": WORDS, "marks": MARKS, "next_steps": NEXT_STEPS, "no_score": NO_SCORE}
    return render("report.html", title=f"Report: {name}", name=name, labs=labs, pictures=True, wide=True, **about)


def _lab(counted: Summary, results: Sequence[SubmissionResult]) -> dict[str, Any]:
    failures = {status: [one for one in counted.failures if one.status == status] for status in FAILURES}
    return {
        "counted": counted,
        "results": results,
        "failures": {status: found for status, found in failures.items() if found},
        "histogram": histogram(counted),
        "success": success(counted) if counted.exercises else None,
    }
