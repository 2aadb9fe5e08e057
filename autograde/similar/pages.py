"""The pages that an instructor reads: one with all pairs that are worth it, and one for each of these pairs.

Everything on them that a student wrote is escaped by the templates (`autograde.pages`); nothing runs, nothing is
fetched. The folder is written anew each time: a pair that is gone leaves no page behind.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograde.inside.results import write_whole
from autograde.pages import render
from autograde.similar.compare import LINE_EXERCISE, LINE_WHOLE, LabPairs, Pair
from autograde.similar.marks import runs
from autograde.similar.picture import histogram
from autograde.similar.readers import Part
from autograde.similar.shares import together

SMALL_CLASS = 8  # below that nobody can tell rare from common
OPEN_FROM = 0.15  # share of an exercise from which a pair's page shows it unfolded


def write(found: Sequence[LabPairs], folder: Path, out: Path) -> None:
    """Write all pages of a class into `out`."""
    shutil.rmtree(out, ignore_errors=True)
    for lab in found:
        for pair in lab.listed:
            write_whole(out / page_name(lab, pair), pair_page(lab, pair))
    write_whole(out / "index.html", index(found, folder))


def page_name(lab: LabPairs, pair: Pair) -> str:
    """Return the name of a pair's page: a number, because a student's name may be no name for a file."""
    return f"{lab.lab}-{lab.listed.index(pair) + 1:03}.html"


def index(found: Sequence[LabPairs], folder: Path) -> str:
    """Return the page of a class."""
    return render(
        "similar.html",
        title=f"Similar submissions: {folder.name}",
        folder=folder.name,
        labs=[_lab(lab) for lab in found],
        line_whole=percent(LINE_WHOLE),
        line_exercise=percent(LINE_EXERCISE),
        pictures=True,
        wide=True,
    )


def _lab(lab: LabPairs) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if lab.shares:
        numbers = {
            "picture": histogram(lab.shares, LINE_WHOLE),
            "median": percent(statistics.median(lab.shares)),
            "largest": percent(max(lab.shares)),
            "above": sum(share >= LINE_WHOLE for share in lab.shares),
        }
    return {
        "name": lab.lab,
        "num_compared": len(lab.compared),
        "num_pairs": len(lab.shares),
        "small": len(lab.compared) < SMALL_CLASS,
        "standing_out": lab.standing_out,
        "rows": [_row(lab, pair) for pair in lab.listed],
        "left_out": lab.standing_out - sum(pair.stands_out for pair in lab.listed),
        "cut": lab.cut(),
        "refused": lab.refused(),
        **numbers,
    }


def _row(lab: LabPairs, pair: Pair) -> dict[str, str]:
    exercise, most = max(pair.exercises.items(), key=lambda item: item[1], default=("", 0.0))
    above = [
        words
        for words, is_above in (("as a whole", pair.share >= LINE_WHOLE), (f"in {exercise}", most >= LINE_EXERCISE))
        if is_above
    ]
    return {
        "page": page_name(lab, pair),
        "left": pair.students[0],
        "right": pair.students[1],
        "share": percent(pair.share),
        "exercise": exercise,
        "most": percent(most),
        "why": ", ".join(above),
    }


def pair_page(lab: LabPairs, pair: Pair) -> str:
    """Return the page of a pair: both answers to each exercise side by side, the most alike first."""
    left, right = (lab.readings[student].parts for student in pair.students)
    names = sorted({*left, *right}, key=lambda name: (-pair.exercises.get(name, 0.0), name))
    marked = _marked(lab, left, right), _marked(lab, right, left)
    parts = [
        {
            "name": name,
            "share": percent(pair.exercises.get(name, 0.0)),
            "open": pair.exercises.get(name, 0.0) >= OPEN_FROM,
            "left": marked[0].get(name, []),
            "right": marked[1].get(name, []),
        }
        for name in names
    ]
    return render(
        "pair.html",
        title=f"{pair.students[0]} and {pair.students[1]}",
        lab=lab.lab,
        left=pair.students[0],
        right=pair.students[1],
        share=percent(pair.share),
        sentence=_standing(lab, pair),
        parts=parts,
        pictures=False,
        wide=True,
    )


def _marked(lab: LabPairs, own: Mapping[str, Part], others: Mapping[str, Part]) -> dict[str, list[Any]]:
    """Return the runs of each part; what the other has anywhere counts, since code can be moved."""
    theirs = together({name: part.hashes for name, part in others.items()})
    return {name: runs(part, theirs, lab.explained, lab.held_by_few) for name, part in own.items()}


def _standing(lab: LabPairs, pair: Pair) -> str:
    """Say where a pair stands among all of its class."""
    if len(lab.shares) < 2:
        return "There is no other pair in this class to hold it against."
    as_much = sum(share >= pair.share for share in lab.shares) - 1
    median = statistics.median(lab.shares)
    half = f"half of all pairs share {percent(median)} or less" if median else "half of all pairs share nothing"
    others = {0: "no other pair shares", 1: "one other pair shares"}.get(as_much, f"{as_much} other pairs share")
    return f"Of {len(lab.shares)} pairs, {others} as much; {half}."


def percent(share: float) -> str:
    """Return a share as people write it."""
    return f"{round(100 * share)} %"
