"""The rows of `bench targets` for people: a table, then how each value came to be."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from mini_lib.bench.table import table
from mini_lib.bench.targets import TargetRow

LINE_WIDTH = 110


def targets_report(rows: Sequence[TargetRow]) -> str:
    """Return the table, the notes by number, and how many goals were met."""
    cells = [
        [str(number), row.name, row.value, row.goal, row.stretch, row.verdict]
        for number, row in enumerate(rows, start=1)
    ]
    notes = [line for number, row in enumerate(rows, start=1) for line in _note(number, row.how)]
    verdicts = Counter(row.verdict for row in rows)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return "\n".join([table(["", "what", "value", "goal", "stretch", "verdict"], cells), "", *notes, "", counted])


def _note(number: int, how: str) -> list[str]:
    return textwrap.wrap(f"{number}. {how}", LINE_WIDTH, subsequent_indent="    ")
