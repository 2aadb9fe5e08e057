"""Two pictures of a class: how the scores are spread, and what became of each exercise.

Drawn by matplotlib into SVG, without pyplot, the same bytes for the same numbers. Colours are Okabe and Ito's, which
the colour-blind can tell apart; each kind has a hatch of its own as well, for a printer without colours. The same
drawing serves a dark page: its five greys are exchanged, one name for another.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any, NamedTuple

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autograde.pages import WORDS, points
from autograde.report.summary import ExerciseSummary, Summary

WIDTH = 8.6  # inches: text of 9 points then reads well on a page of this width, and on half of it
INK, SOFT, PAPER, RULE, GROUND = "#1c2027", "#59606d", "#fffffe", "#d6dae1", "#f5f6f8"
DARK = {INK: "#e7e9ed", SOFT: "#a6adba", PAPER: "#14171c", RULE: "#3a414d", GROUND: "#1e222a"}
LOOKS: dict[str, dict[str, Any]] = {
    "right": {"facecolor": "#0072b2", "hatch": ""},
    "partial": {"facecolor": "#e69f00", "hatch": "//"},
    "wrong": {"facecolor": "#d55e00", "hatch": "xx"},
    "not_attempted": {"facecolor": GROUND, "hatch": ""},
    "not_run": {"facecolor": GROUND, "hatch": "\\\\"},
    "needs_grader": {"facecolor": "#cc79a7", "hatch": "--"},
}
ON = {"right": "#ffffff", "partial": "#000000", "wrong": "#000000", "needs_grader": "#000000"}  # text on a colour
MAX_TITLE = 34
BEHIND = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.4}  # the median's line may run behind a number
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "hatch.linewidth": 0.5,
    "hatch.color": INK,
    "svg.hashsalt": "autograde",
}


class Drawn(NamedTuple):
    """A picture as two addresses that hold it, for a light and for a dark page, and what it shows in words."""

    light: str
    dark: str
    words: str


def histogram(counted: Summary) -> Drawn:
    """Return how many submissions have how many points."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        axes = figure.add_subplot()
        _bars(axes, counted)
        axes.set(xlabel="points", ylabel="submissions")
        axes.set_title(_headline(counted), loc="left", weight="bold", size=10.5)
        return _drawn(figure, histogram_words(counted))


def _bars(axes: Axes, counted: Summary) -> None:
    bins = counted.histogram
    width = bins[0].high - bins[0].low or 1.0
    lefts = [one.low for one in bins]
    look: dict[str, Any] = {"align": "edge", "edgecolor": INK, "linewidth": 0.6}
    axes.bar(lefts, [one.whole for one in bins], width, label="came to its end", **look, **LOOKS["right"])
    stopped, below = [one.stopped for one in bins], [one.whole for one in bins]
    if any(stopped):
        axes.bar(lefts, stopped, width, below, label="was stopped or unreadable", **look, **LOOKS["wrong"])
    if counted.no_score:
        label = "not graded: missing, or the grader failed"
        axes.bar([-1.6 * width], [counted.no_score], width, label=label, **look, **LOOKS["not_run"])
    places = [(one.low + width / 2, one.whole + one.stopped) for one in bins] + [(-1.1 * width, counted.no_score)]
    for place, count in places:
        if count:
            axes.text(place, 1.02 * count, f"{count}", ha="center", va="bottom", size=8.5, bbox=BEHIND)
    axes.set_xlim(-1.9 * width if counted.no_score else 0, max(bins[-1].low + width, counted.max_score))
    axes.set_ylim(0, 1.18 * max([*(count for _, count in places), 1]))
    axes.set_xticks([*([-1.1 * width] if counted.no_score else []), *lefts, bins[-1].low + width])
    ends = [points(one.low) for one in bins] + [points(counted.max_score)]
    axes.set_xticklabels([*(["no score"] if counted.no_score else []), *ends])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    if counted.median is not None:
        axes.axvline(counted.median, color=INK, linewidth=1.4, linestyle="--", label="median")
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=4, frameon=False, fontsize=8)


def _headline(counted: Summary) -> str:
    submissions = f"{counted.submissions} submission{'s' * (counted.submissions != 1)}"
    if counted.median is None:
        return f"{counted.lab}: {submissions}, none of them graded"
    return f"{counted.lab}: {submissions}, median {points(counted.median)} of {points(counted.max_score)} points"


def histogram_words(counted: Summary) -> str:
    """Return the histogram in words."""
    bars = [
        f"{points(one.low)} to {points(one.high)} points: {one.whole + one.stopped}"
        for one in counted.histogram
        if one.whole + one.stopped
    ]
    unknown = [f"not graded: {counted.no_score}"] if counted.no_score else []
    return f"Histogram of scores. {_headline(counted)}. Submissions with {', '.join([*bars, *unknown])}."


def success(counted: Summary) -> Drawn:
    """Return what became of each exercise, as shares of all submissions."""
    exercises = counted.exercises
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH, 1.15 + 0.34 * len(exercises)), layout="constrained")
        axes = figure.add_subplot()
        for place, exercise in enumerate(exercises):
            _row(axes, place, exercise)
        axes.set_yticks(range(len(exercises)), [_short(exercise.title) for exercise in exercises])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set(xlim=(0, 100), ylim=(len(exercises) - 0.45, -0.55), xlabel="% of submissions")
        axes.set_title("What became of each exercise", loc="left", weight="bold", size=10.5)
        axes.spines["left"].set_visible(False)
        named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        there = [word for word in WORDS.values() if word in named]
        figure.legend(
            [named[word] for word in there], there, loc="outside lower right", ncols=6, frameon=False, fontsize=8
        )
        return _drawn(figure, success_words(counted))


def _row(axes: Axes, place: int, exercise: ExerciseSummary) -> None:
    left = 0.0
    for status, look in LOOKS.items():
        share = 100 * exercise.statuses.get(status, 0) / exercise.submissions
        if not share:
            continue
        axes.barh(place, share, 0.7, left, label=WORDS[status], edgecolor=INK, linewidth=0.6, **look)
        if share >= 6:
            box = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1.0}
            at: dict[str, Any] = {"ha": "center", "va": "center", "size": 8.5}
            axes.text(left + share / 2, place, f"{share:.0f} %", color=ON.get(status, INK), bbox=box, **at)
        left += share


def _short(title: str) -> str:
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def success_words(counted: Summary) -> str:
    """Return in words what became of each exercise."""
    parts = []
    for one in counted.exercises:
        shares = [f"{count} {WORDS[status]}" for status, count in one.statuses.items()]
        parts.append(f"{one.title}: {', '.join(shares)}.")
    return f"What became of each exercise, of {counted.submissions}. {' '.join(parts)}"


def _drawn(figure: Figure, words: str) -> Drawn:
    FigureCanvasSVG(figure)
    buffer = BytesIO()
    # Date, and the version of matplotlib, would make each drawing another one.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    light = buffer.getvalue().decode()
    dark = light
    for old, new in DARK.items():
        dark = dark.replace(old, new)
    return Drawn(_address(light), _address(dark), words)


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
