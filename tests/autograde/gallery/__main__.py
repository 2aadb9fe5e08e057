"""Grade the gallery one by one and print a table of what came of it, in Markdown: for a README or a report.

    python -m tests.autograde.gallery [honest] [damaged] [hostile]

Seconds are those between one written result and the next, with one submission at a time. Below the table stands what
is true of the whole class; a table with damage in it ends with exit status 1.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from autograde import gradebook
from tests.autograde.gallery import GROUPS, entries
from tests.autograde.graded_gallery import Graded, grade_all


def main(*groups: str) -> int:
    asked = (*(groups or GROUPS), "perfect")  # whose notebook the hard link is a second name of
    kinds = {student: kind for student, kind in entries().items() if {kind.group, student} & {*asked}}
    with tempfile.TemporaryDirectory(prefix="gallery-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        gradebook.create(root / "first.db", root / "blank.db")
        graded = grade_all(root / "class", root / "blank.db", kinds, "--jobs", "1")
        print("| kind | what it is | status | points | as golden | seconds |\n|---|---|---|---|---|---|")
        print("\n".join(rows(graded)))
        damage = list(damages(graded))
        servers = max(seen["servers_mb"] for seen in graded.watched)
        peak = max(seen["peak_mb"] for seen in graded.watched)
    print(f"\n{len(kinds)} submissions. Damage: {'; '.join(damage) or 'none'}.")
    print(f"The grading process had {peak:.0f} MB at most; the servers beside it and what they ran {servers:.0f} MB.")
    return 1 if damage else 0


def rows(graded: Graded) -> Iterator[str]:
    seconds = took(graded)
    for student, kind in sorted(entries().items(), key=lambda item: (item[1].group, item[0])):
        if student not in graded.printed:
            continue
        found = graded.printed[student]
        golden = (kind.expected.status, kind.expected.score) == (found["status"], found["score"])
        shown = [kind.group, kind.about, found["status"], f"{found['score']:g} of {found['max_score']:g}"]
        print_as = [*shown, "yes" if golden else "NO", f"{seconds[student]:.2f}" if student in seconds else ""]
        yield "| " + " | ".join(text.replace("|", "\\|") for text in print_as) + " |"


def took(graded: Graded) -> dict[str, float]:
    """Return the seconds from one result to the next; the first of a class is left out, it waited for the servers."""
    found: dict[str, float] = {}
    named = {(one["student"], one["lab"]): student for student, one in graded.printed.items()}
    for out in graded.outs():
        paths = (out / "results").glob("*/*/results.json")
        written = sorted((path.stat().st_mtime_ns, (path.parent.parent.name, path.parent.name)) for path in paths)
        spent = {key: (now - last) / 1e9 for (last, _), (now, key) in pairwise(written)}
        found |= {named[key]: seconds for key, seconds in spent.items() if key in named}
    return found


def damages(graded: Graded) -> Iterator[str]:
    """Yield what was damaged, in words; nothing for a class in which no attack got anywhere."""
    yield from (f"{path} was changed" for path in graded.changed)
    yield from (f"{call} was called" for call in graded.calls)
    yield from (f"{process} was left running" for seen in graded.watched for process in seen["left"])
    for path, text in [*graded.handed_back(), *graded.outputs()]:
        yield from (
            f"{path.name} holds the mark of the {name}" for name, mark in graded.around.marks.items() if mark in text
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
