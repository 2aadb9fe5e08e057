"""`similar`: which students share more than the release explains."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autograde.course import CannotGrade
from autograde.inside.results import to_json
from autograde.roster import chosen_labs, students
from autograde.verbs.options import Verbs, add_folder, add_jobs, add_output, the_class, verb

if TYPE_CHECKING:
    from autograde.similar.compare import LabPairs

LINES = 12  # pairs that are printed; the page lists more


def add(verbs: Verbs) -> None:
    more = (
        "Compares what students wrote themselves, after names, comments and spacing are taken away, and runs nothing. "
        "Pages with both answers side by side go to autograde/out/. A share says where to look and proves nothing."
    )
    parser = verb(verbs, "similar", "Find pairs of submissions that share more than the release explains", more)
    add_folder(parser)
    add_output(parser)
    add_jobs(parser)
    parser.set_defaults(verb=_run)


def _run(options: argparse.Namespace) -> int:
    if sys.platform == "win32":
        raise CannotGrade("Classes are compared on Linux or macOS; on Windows use WSL.")
    from autograde.similar.compare import compare
    from autograde.similar.pages import write

    course, folder = the_class(options)
    labs, handed_in = chosen_labs(course, folder, options.lab), students(folder)
    found = [compare(course, lab, handed_in, options.jobs, _watch) for lab in labs]
    out = course.out(folder) / "similar"
    write(found, folder, out)
    if options.json:
        print(to_json({"version": 1, "labs": [_public(lab) for lab in found]}), end="")
        return 0
    print("\n\n".join(_text(lab) for lab in found))
    print(f"\nBoth answers side by side: {out / 'index.html'}")
    return 0


def _watch(readings: Iterator[Any], total: int) -> Iterator[Any]:
    from tqdm import tqdm

    # disable=None: a bar on a terminal, and nothing in a log or a pipe
    yield from tqdm(readings, "reading", total, unit="notebook", disable=None)


def _text(lab: LabPairs) -> str:
    pairs = f"{len(lab.compared)} notebooks, {len(lab.shares)} pairs, {lab.standing_out} of them stand out"
    lines = [f"{lab.lab}: {pairs}"]
    lines += [_line(pair.students, pair.share, pair.exercises) for pair in lab.listed if pair.stands_out][:LINES]
    lines += [f"  ... and {lab.standing_out - LINES} more"] if lab.standing_out > LINES else []
    lines += [f"  not compared: {student}: {sentence}" for student, sentence in lab.refused().items()]
    return "\n".join(lines)


def _line(pair: tuple[str, str], share: float, exercises: Any) -> str:
    name, most = max(exercises.items(), key=lambda item: item[1], default=("", 0.0))
    return f"  {share:5.0%} of all, {most:4.0%} of {name}: {pair[0]} and {pair[1]}"


def _public(lab: LabPairs) -> dict[str, Any]:
    from autograde.similar.pages import page_name

    return {
        "lab": lab.lab,
        "compared": len(lab.compared),
        "stand_out": lab.standing_out,
        "pairs": [
            {
                "students": list(pair.students),
                "share": pair.share,
                "exercises": pair.exercises,
                "stands_out": pair.stands_out,
                "page": page_name(lab, pair),
            }
            for pair in lab.listed
        ],
        "cut": lab.cut(),
        "not_compared": lab.refused(),
    }
