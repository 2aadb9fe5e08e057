"""Recorded against simulated: the time of a step by batch size and mode, points against lines.

Points are what was recorded, with a bar from the 10th to the 90th percentile; lines are what was simulated. Below, how
far each line is from its point, in percent of what was recorded; the pale band is 3 %. Modes differ in colour, in the
kind of line and in the shape of the point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from mini_lib.plots.picture import BLUE, GREY, ORANGE, PALE, VERMILLION, Picture, drawing

Times = Mapping[int, Sequence[float]]
"""Batch -> (median, 10th percentile, 90th percentile), in microseconds."""
Recorded = Mapping[str, Times]
Simulated = Mapping[str, Mapping[int, float]]
"""Mode -> batch -> microseconds."""

_WIDTH, _HEIGHT = 9.6, 5.4
_LEFT, _AXIS = 0.1, 0.88  # of the width
_ASIDE = 1.05  # points of two modes at one batch stand so far apart, or one would hide the other
_BAND = 3.0  # percent
_HEADROOM = 0.16  # of the height, above all lines, for the legend
_LOOKS: dict[str, dict[str, Any]] = {
    "NONE": {"color": VERMILLION, "marker": "o", "linestyle": "-"},
    "PIECEWISE": {"color": ORANGE, "marker": "s", "linestyle": "--"},
    "FULL": {"color": BLUE, "marker": "^", "linestyle": ":"},
}
_OTHER: dict[str, Any] = {"color": GREY, "marker": "D", "linestyle": "-."}


def compare(recorded: Recorded, simulated: Simulated, *, title: str = "") -> Picture:
    """Return the picture. Mean and largest error stand under its title, in the words of `error_text`.

    Modes are drawn in the order in which `simulated` has them. A mode or a batch that only one of the two has is drawn,
    and counts for no error. Where nothing was recorded the picture says so.
    """
    modes = list(dict.fromkeys([*simulated, *recorded]))
    batches = sorted({batch for runs in (recorded, simulated) for mode in runs for batch in runs[mode]})
    with drawing():
        picture = Picture(_WIDTH, _HEIGHT)
        if any(recorded.values()):
            times = picture.add_axes((_LEFT, 0.36, _AXIS, 0.54))
            lowest = picture.add_axes((_LEFT, 0.1, _AXIS, 0.2))
            _draw_errors(lowest, modes, recorded, simulated)
        else:
            times = lowest = picture.add_axes((_LEFT, 0.1, _AXIS, 0.8))
        _draw_times(times, modes, recorded, simulated)
        _dress(picture.axes, batches)
        lowest.set_xlabel("requests that decode together")
        picture.text(_LEFT, 0.985, title, va="top", weight="bold", size=10.5)
        picture.text(_LEFT, 0.945, error_text(recorded, simulated), va="top", size=9)
    return picture


def error_text(recorded: Recorded, simulated: Simulated) -> str:
    """Return in words how far the simulated times are from the recorded ones: for the picture, and for its caption."""
    found = [
        (abs(error), error, mode, batch)
        for mode in recorded
        for batch, error in _errors(recorded[mode], simulated.get(mode, {}))
    ]
    if not found:
        return "Nothing was recorded: the lines are simulated, and nothing here says how far they are off."
    mean = sum(size for size, *_ in found) / len(found)
    _, error, mode, batch = max(found)
    points = f"{len(found)} recorded point{'s' * (len(found) != 1)}"
    return f"Off by {mean:.1f} % on average over {points}, at most by {error:+.1f} % ({mode}, batch {batch})."


def _errors(recorded: Times, simulated: Mapping[int, float]) -> Iterator[tuple[int, float]]:
    """Yield how far each batch that both have is off, in percent of the recorded time."""
    for batch in sorted(set(recorded) & set(simulated)):
        yield batch, 100 * (simulated[batch] / recorded[batch][0] - 1)


def _looks(modes: Sequence[str]) -> Iterator[tuple[str, float, dict[str, Any], dict[str, Any]]]:
    """Yield each mode with where its points stand (times their batch), the look of its lines and of its points."""
    for place, mode in enumerate(modes):
        look = _LOOKS.get(mode, _OTHER)
        aside: float = _ASIDE ** (place - (len(modes) - 1) / 2)
        yield mode, aside, {**look, "marker": ""}, {**look, "linestyle": "", "markersize": 5.0}


def _draw_times(axes: Axes, modes: Sequence[str], recorded: Recorded, simulated: Simulated) -> None:
    for mode, aside, line, point in _looks(modes):
        batches, places = sorted(simulated.get(mode, {})), sorted(recorded.get(mode, {}))
        axes.plot(batches, [simulated[mode][batch] for batch in batches], **line)
        medians, lows, highs = ([recorded[mode][batch][n] for batch in places] for n in range(3))
        down = [max(0.0, median - low) for median, low in zip(medians, lows, strict=True)]
        up = [max(0.0, high - median) for median, high in zip(medians, highs, strict=True)]
        axes.errorbar([batch * aside for batch in places], medians, yerr=[down, up], capsize=3, **point)
    axes.set(yscale="log", ylabel="µs per step")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us:,.0f}"))
    if modes:
        keys = _keys(modes, recorded=any(recorded.values()))
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** _HEADROOM)
        axes.legend(handles=keys, ncols=len(keys), loc="upper left", frameon=False, fontsize=8.5)


def _draw_errors(axes: Axes, modes: Sequence[str], recorded: Recorded, simulated: Simulated) -> None:
    largest = _BAND
    axes.axhspan(-_BAND, _BAND, color=PALE, zorder=0)
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    for mode, aside, _, point in _looks(modes):
        errors = dict(_errors(recorded.get(mode, {}), simulated.get(mode, {})))
        axes.plot([batch * aside for batch in errors], list(errors.values()), **point)
        largest = max([largest, *map(abs, errors.values())])
    axes.set(ylabel="simulated is\noff by (%)", ylim=(-1.2 * largest, 1.2 * largest))


def _dress(all_axes: Sequence[Axes], batches: Sequence[int]) -> None:
    for axes in all_axes:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(batches)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda batch, _: f"{batch:.0f}"))
        if batches:
            axes.set_xlim(batches[0] / 1.2, batches[-1] * 1.2)


def _keys(modes: Sequence[str], *, recorded: bool) -> list[Line2D]:
    points = Line2D([], [], color=GREY, marker="o", linestyle="", label="recorded, 10th to 90th percentile")
    lines = Line2D([], [], color=GREY, linestyle="-", label="simulated")
    of_modes = [Line2D([], [], label=mode, **_LOOKS.get(mode, _OTHER)) for mode in modes]
    return [*of_modes, *([points] if recorded else []), lines]
