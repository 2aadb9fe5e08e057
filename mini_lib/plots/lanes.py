"""Timelines as lanes: who was busy when, CPU above GPU, what stood idle hatched grey.

A span shows its name where the name fits. Neighbours that are too narrow for theirs share one label above the lane
("40 launches"). At the right end each lane says which share of the time it stood idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mini_lib.plots.lane_labels import SIZE_PT, Scale, kind, labels_above
from mini_lib.plots.picture import BLACK, BLUE, GREEN, GREY, IDLE, ORANGE, YELLOW, Picture, drawing, legend_below
from mini_lib.timing import CPU, GPU, Span, Timeline

_LOOK = {  # kind of span: fill, text on it, what the legend calls it; the fills differ in brightness too
    "launch": (ORANGE, BLACK, "launch"),
    "work": (YELLOW, BLACK, "other CPU work"),
    "kernel": (BLUE, "white", "kernel"),
    "other": (GREEN, "white", "other lane"),
}
_NO_MARKS: Mapping[str, float] = {}
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # so that no line runs through a label
_EDGE_PT = 3.0  # a span narrower than this is drawn without an edge, which would hide it

# In lanes, which lie 1 apart from 0 downwards: half the height of a span, and the room above it and below it.
_HALF, _ABOVE, _BELOW = 0.29, 0.66, 0.36

# In inches. Margins are fixed, so the width of the time axis is known before anything is drawn.
_AXIS, _LEFT, _RIGHT, _TOP, _BOTTOM, _LANE, _HEADING = 8.3, 0.5, 0.8, 0.36, 0.52, 0.66, 0.3


def two_lanes(
    timeline: Timeline, *, title: str = "", first_us: float | None = None, marks: Mapping[str, float] = _NO_MARKS
) -> Picture:
    """Return a picture of `timeline` with the CPU above the GPU; any further lanes follow below.

    `first_us` zooms in: only that many microseconds from the start are shown, and the shares of idle time are those
    of what is shown. `marks` are moments, {what happens: microseconds from the start}: a line through all lanes, and
    the words beside it.
    """
    picture = _picture({"": timeline}, title, first_us)
    with drawing():
        _draw_marks(picture.axes[0], marks)
    return picture


def compare_lanes(timelines: Mapping[str, Timeline], *, title: str = "", first_us: float | None = None) -> Picture:
    """Return a picture of several timelines below one another on one time axis, each headed by its key.

    Each is drawn from its own start; a dashed line marks where it ends. `first_us` zooms in, as in `two_lanes`.

    Raises:
        ValueError: there is no timeline to draw.
    """
    if not timelines:
        raise ValueError('there is no timeline to compare: pass a mapping such as {"eager": eager, "graph": graph}.')
    return _picture(timelines, title, first_us)


def in_us(us: float) -> str:
    """Return a duration as text: four digits, and no more than a reader wants."""
    return f"{us:,.0f} µs" if us >= 1000 else f"{us:.4g} µs"


def _picture(timelines: Mapping[str, Timeline], title: str, first_us: float | None) -> Picture:
    shown = {name: _shown(timeline, first_us) for name, timeline in timelines.items()}
    end_us = first_us or max(timeline.end_us for timeline in shown.values()) or 1.0
    heights = {name: _LANE * (len(_lanes(timeline)) - 1 + _ABOVE + _BELOW) for name, timeline in shown.items()}
    headings = {name: _HEADING if name else 0.0 for name in shown}
    top = _TOP if title else 0.06
    height = top + sum(heights.values()) + sum(headings.values()) + _BOTTOM
    left = _left(shown.values())
    width, keys = left + _AXIS + _RIGHT, _keys(shown.values())
    with drawing():
        picture = Picture(width, height)
        bottom = height - top
        for name, timeline in shown.items():
            bottom -= headings[name] + heights[name]
            axes = picture.add_axes((left / width, bottom / height, _AXIS / width, heights[name] / height))
            _draw_lanes(axes, timeline, Scale(end_us, _AXIS * 72 / end_us))
            if name:
                axes.set_title(f"{name}: {in_us(timelines[name].duration_us)}", fontsize=9.5, pad=4)
            axes.tick_params(labelbottom=False)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("time (µs)", loc="center" if len(keys) < 5 else "left")  # five keys reach over the centre
        picture.text(left / width, 1 - 0.12 / height, title, va="top", weight="bold", size=10.5)
        legend_below(picture, keys, right=(left + _AXIS) / width)
    return picture


def _shown(timeline: Timeline, first_us: float | None) -> Timeline:
    """Return what is to be drawn of `timeline`, moved so that it starts at 0."""
    zero_us = timeline.start_us
    moved = (Span(s.lane, s.name, s.start_us - zero_us, s.end_us - zero_us) for s in timeline.spans)
    return Timeline(moved).first(first_us) if first_us is not None else Timeline(moved)


def _lanes(timeline: Timeline) -> list[str]:
    """Return the lanes from top to bottom: CPU and GPU always, even if one of them did nothing."""
    return list(dict.fromkeys((CPU, GPU, *timeline.lanes)))


def _left(timelines: Iterable[Timeline]) -> float:
    """Return the room for the lanes' names, in inches: what "CPU" and "GPU" need, or more."""
    return max(_LEFT, *(0.09 * len(lane) + 0.1 for timeline in timelines for lane in _lanes(timeline)))


def _draw_lanes(axes: Axes, timeline: Timeline, scale: Scale) -> None:
    lanes = _lanes(timeline)
    axes.set(xlim=(0, scale.end_us), ylim=(len(lanes) - 1 + _BELOW, -_ABOVE))
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", length=0, labelsize=9.5)
    axes.spines["left"].set_visible(False)
    for y, lane in enumerate(lanes):
        _draw_bars(axes, y, timeline.idle(lane), **IDLE)
        _draw_spans(axes, y, timeline.lane(lane), scale)
        _draw_labels_above(axes, y, timeline.lane(lane), scale)
        axes.text(scale.end_us, y, f"  {timeline.idle_share(lane):.0%} idle", va="center", size=8.5)
    if timeline.end_us < scale.end_us:
        end = [timeline.end_us] * 2
        axes.plot(end, [-_HALF - 0.05, len(lanes) - 1 + _BELOW], color=BLACK, linewidth=0.9, linestyle=(0, (3, 2)))


def _draw_bars(axes: Axes, y: float, spans: Sequence[Span], **look: Any) -> None:
    if spans:
        bars = [(span.start_us, span.duration_us) for span in spans]
        axes.broken_barh(bars, (y - _HALF, 2 * _HALF), snap=False, **look)


def _draw_spans(axes: Axes, y: float, spans: Sequence[Span], scale: Scale) -> None:
    """Draw the spans, one artist for each kind and width, and the names that fit inside."""
    for name, (fill, _, _) in _LOOK.items():
        mine = [span for span in spans if kind(span) == name]
        narrow = [span for span in mine if span.duration_us * scale.pt_per_us < _EDGE_PT]
        wide = [span for span in mine if span.duration_us * scale.pt_per_us >= _EDGE_PT]
        _draw_bars(axes, y, narrow, facecolor=fill, linewidth=0)
        _draw_bars(axes, y, wide, facecolor=fill, edgecolor="white", linewidth=0.7)
    for span in spans:
        middle_us, text = (span.start_us + span.end_us) / 2, scale.inside(span)
        if text is not None:
            axes.text(middle_us, y, text, color=_LOOK[kind(span)][1], size=SIZE_PT, ha="center", va="center")


def _draw_labels_above(axes: Axes, y: float, spans: Sequence[Span], scale: Scale) -> None:
    """Write the shared labels, each over a thin line along the spans that it stands for."""
    line, text_bottom = y - _HALF - 0.05, y - _HALF - 0.13
    for label in labels_above(spans, scale):
        middle_us = (label.start_us + label.end_us) / 2
        axes.plot([label.start_us, label.end_us], [line, line], color=GREY, linewidth=0.9, solid_capstyle="butt")
        axes.plot([middle_us, label.x_us], [line, text_bottom], color=GREY, linewidth=0.6)
        axes.text(label.x_us, text_bottom, label.text, size=SIZE_PT, ha="center", va="bottom", bbox=_PAPER)


def _draw_marks(axes: Axes, marks: Mapping[str, float]) -> None:
    """Draw a line down from each moment, its words beside it on the CPU's lane, on the side with more room."""
    (_, end_us), (bottom, _) = axes.get_xlim(), axes.get_ylim()
    for words, us in marks.items():
        axes.plot([us, us], [-_HALF - 0.1, bottom], color=BLACK, linewidth=1.4, linestyle=(0, (1, 1)))
        side, text = ("left", f" {words}") if us < end_us / 2 else ("right", f"{words} ")
        axes.text(us, 0, text, size=SIZE_PT, ha=side, va="center", bbox=_PAPER, zorder=5)


def _keys(timelines: Iterable[Timeline]) -> list[Patch]:
    """Return what the legend explains: the fills that occur."""
    kinds = {kind(span) for timeline in timelines for span in timeline.spans}
    keys = [Patch(facecolor=fill, label=text) for name, (fill, _, text) in _LOOK.items() if name in kinds]
    return [*keys, Patch(**IDLE, label="idle")]
