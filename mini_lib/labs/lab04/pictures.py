"""Pictures of a student's own answer: a staircase, rows as bars, a padded batch as a table.

Bars and tables are text: they cost nothing to draw and read the same in greyscale and aloud.
"""

from __future__ import annotations

from typing import Any

from mini_lib.labs.signatures import answer, arguments
from mini_lib.labs.text_picture import Text
from mini_lib.labs.watching import nobody_looks
from mini_lib.learn import Outcome, Raised

REAL, PADDED, LOST = "█", "░", "✘"


def staircase(sizes: Any, histogram: dict[int, int], asked: str = "") -> object | None:
    """Return the staircase of a student's ladder over `histogram`; None where nobody looks at it: in a grader.

    `asked` says in the title which of several questions the ladder answers.
    """
    if nobody_looks() or not isinstance(sizes, list) or not sizes:
        return None
    from mini_lib.plots import staircase as draw  # here, so that matplotlib waits until the first picture

    shown = ", ".join(map(str, sizes)) if len(sizes) <= 12 else f"{len(sizes)} sizes"
    return draw(sizes, histogram, title=f"Your ladder{asked}: {shown}")


def rides(outcomes: tuple[Outcome, ...]) -> Text:
    """Return one bar for each batch of the first ladder: real rows, padded rows, and rows that found no place."""
    ladder = arguments(outcomes[0])[1]
    mine = [outcome for outcome in outcomes if arguments(outcome)[1] == ladder]
    head = f"Your lookup for sizes {ladder}   ({REAL} real row, {PADDED} padded row, {LOST} row without a place)"
    return Text("\n".join([head, *(_ride(outcome) for outcome in mine)]))


def _ride(outcome: Outcome) -> str:
    batch, size = arguments(outcome)[0], answer(outcome)
    if size is None:
        bar = REAL * batch + "  None: runs eagerly"
    elif isinstance(size, int) and 0 <= size <= 64:
        bar = REAL * min(batch, size) + PADDED * (size - batch) + LOST * (batch - size) + f"  {size}"
    else:
        bar = size.name if isinstance(size, Raised) else f"{size!r:.40}"
    return f"{batch:>3} rows  {bar}"


def padded_table(outcome: Outcome) -> Text | None:
    """Return a student's padded batch, one line for each row, with the padded rows marked."""
    batch, size = arguments(outcome)
    if not isinstance(outcome.value, dict):
        return None
    lines = ["row   " + "  ".join(batch)]
    for row in range(size):
        mark = REAL if row < len(batch["input_ids"]) else PADDED
        entries = (f"{_entry(outcome.value, name, row):>{len(name)}}" for name in batch)
        lines.append(f"{mark} {row:<4}" + "  ".join(entries))
    return Text("\n".join([*lines, f"{REAL} real row   {PADDED} padded row   (your answer)"]))


def _entry(answer: dict[Any, Any], name: str, row: int) -> str:
    column = answer.get(name)
    return str(column[row]) if isinstance(column, list) and row < len(column) else "missing"
