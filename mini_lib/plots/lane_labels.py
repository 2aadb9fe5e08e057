"""What is written on a lane, and where: names inside spans that are wide enough, shared labels above the others.

All layout is done in points (1/72 inch) before anything is drawn, so no label is ever half a label or on another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from mini_lib.timing import CPU, GPU, Span, kind_of

SIZE_PT = 7.5
_MARGIN_PT = 2.5  # between a name and the edge of its span
_BETWEEN_PT = 6.0  # between two labels
_APART_PT = 20.0  # spans further apart than this do not share a label
_FURTHEST_PT = 75.0  # a label that would have to move further than this from its spans is left out


class Label(NamedTuple):
    """A text above a lane, centred on `x_us`, for the spans from `start_us` to `end_us`."""

    text: str
    x_us: float
    start_us: float
    end_us: float


class Scale(NamedTuple):
    """The time axis of a figure: where it ends and how many points a microsecond is wide."""

    end_us: float
    pt_per_us: float

    def inside(self, span: Span) -> str | None:
        """Return the name of `span` as it fits inside, in one line or in two, or None if it does not."""
        room_pt = span.duration_us * self.pt_per_us - 2 * _MARGIN_PT
        if width_pt(span.name) <= room_pt:
            return span.name
        first, _, rest = span.name.partition(" ")
        return f"{first}\n{rest}" if rest and max(width_pt(first), width_pt(rest)) <= room_pt else None


def kind(span: Span) -> str:
    """Return what a span is: "kernel" on a GPU, on the CPU "launch" or "work", elsewhere "other"."""
    if span.lane == GPU:
        return "kernel"
    if span.lane != CPU:
        return "other"
    return "launch" if kind_of(span) in ("launch", "graph launch", "copy") else "work"


def labels_above(spans: Sequence[Span], scale: Scale) -> list[Label]:
    """Return the labels of all spans of one lane whose names do not fit inside, left to right, none on another.

    A label that finds no room over its spans moves to the right; one that would have to move far is left out.
    """
    free_from_pt = 0.0
    placed = []
    for group in _groups(spans, scale):
        text, start_us, end_us = _text(group), group[0].start_us, group[-1].end_us
        half_pt = width_pt(text) / 2
        wanted_pt = min((start_us + end_us) / 2 * scale.pt_per_us, scale.end_us * scale.pt_per_us - half_pt)
        centre_pt = max(wanted_pt, free_from_pt + half_pt)
        reach_pt = max(end_us * scale.pt_per_us, wanted_pt) + _FURTHEST_PT
        if centre_pt <= min(reach_pt, scale.end_us * scale.pt_per_us - half_pt):
            free_from_pt = centre_pt + half_pt + _BETWEEN_PT
            placed.append(Label(text, centre_pt / scale.pt_per_us, start_us, end_us))
    return placed


@lru_cache(maxsize=4096)
def width_pt(text: str) -> float:
    """Return how wide `text` is in points, at the size of labels."""
    font = FontProperties(family="DejaVu Sans")
    return float(TextPath((0, 0), text, size=SIZE_PT, prop=font).get_extents().width) if text.strip() else 0.0


def _groups(spans: Sequence[Span], scale: Scale) -> Iterator[list[Span]]:
    """Yield runs of neighbours that are too narrow for their names, of one kind and close together."""
    group: list[Span] = []
    for span in spans:
        fits = scale.inside(span) is not None
        if group and (fits or not _belong_together(group[-1], span, scale)):
            yield group
            group = []
        if not fits:
            group.append(span)
    if group:
        yield group


def _belong_together(left: Span, right: Span, scale: Scale) -> bool:
    apart_pt = (right.start_us - left.end_us) * scale.pt_per_us
    return kind(left) == kind(right) and apart_pt <= _APART_PT


def _text(group: Sequence[Span]) -> str:
    names = {span.name for span in group}
    if len(group) == 1:
        return group[0].name
    if len(names) == 1:
        return f"{len(group)} × {group[0].name}"
    return f"{len(group)} {({'launch': 'launches', 'kernel': 'kernels'}).get(kind(group[0]), 'spans')}"
