"""Two lanes as text: what CPU and GPU did, cell by cell, drawn from recorded spans.

>>> spans = [Span("CPU", "schedule 0", 0, 2), Span("GPU", "compute 0", 2, 6), Span("CPU", "schedule 1", 3, 5)]
>>> print(two_lanes(Timeline(spans), us_per_cell=1.0))
CPU  SS.ss.
GPU  ..CCCC

Not drawn: what is shorter than half a cell.
"""

from __future__ import annotations

from collections.abc import Callable

from mini_lib.timing import CPU, GPU, Span, Timeline

LETTERS = {"schedule": "S", "launch": "S", "process": "P", "compute": "C"}
LEGEND = "S schedule and launch, P postprocess, C compute, . idle; capitals: batches 0, 2, 4, small letters: 1, 3, 5"


def batch_letter(span: Span) -> str:
    """Return the letter of a span of the event loops, such as "schedule 3"."""
    what, step = span.name.split()
    return LETTERS[what] if int(step) % 2 == 0 else LETTERS[what].lower()


def two_lanes(
    run: Timeline,
    us_per_cell: float,
    max_cells: int | None = None,
    letter: Callable[[Span], str] = batch_letter,
) -> str:
    """Return the run as two lines, the CPU's above the GPU's, cut off after `max_cells`; `letter` names a span."""
    num_cells = -(-run.duration_us // us_per_cell)
    cells = range(int(min(num_cells, max_cells or num_cells)))
    starts = [run.start_us + cell * us_per_cell for cell in cells]
    return "\n".join(
        f"{lane}  {''.join(_cell(run.lane(lane), at, us_per_cell, letter) for at in starts)}" for lane in (CPU, GPU)
    )


def _cell(spans: tuple[Span, ...], start_us: float, length_us: float, letter: Callable[[Span], str]) -> str:
    """Return the letter of the span that fills most of the cell, if together they fill half of it."""
    end_us = start_us + length_us
    inside = [(min(span.end_us, end_us) - max(span.start_us, start_us), span) for span in spans]
    covered = [(us, span) for us, span in inside if us > 0]
    if sum(us for us, _ in covered) < length_us / 2:
        return "."
    return letter(max(covered, key=lambda pair: pair[0])[1])
