"""What a ladder of capture sizes does to the traffic: the stairs that batches are rounded up to, and what that costs.

Above: the rows that one batch of each size computes. The filled wedge is the batch itself, what lies between it and
the stairs is padding, and beyond the last stair batches run eagerly, unpadded. Below: the same times the traffic, all
rows that were computed. There the hatched area over the whole area is the padding waste.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mini_lib.plots.picture import BLACK, BLUE, ORANGE, SKY, VERMILLION, Picture, drawing

_WIDTH, _HEIGHT = 9.6, 5.2
_LEFT, _AXIS = 0.075, 0.905  # of the width
_Look = dict[str, Any]
_REAL: _Look = {"facecolor": BLUE, "linewidth": 0.0, "label": "rows of the batch"}
_EAGER: _Look = {"facecolor": SKY, "linewidth": 0.0, "label": "rows of a batch that runs eagerly: no graph holds it"}
_PADDING: _Look = {"facecolor": "#FDEBC8", "edgecolor": ORANGE, "hatch": "////", "linewidth": 0.0, "label": "padding"}
_NO_ROOM: _Look = {"facecolor": "white", "edgecolor": VERMILLION, "hatch": "xxxx", "linewidth": 0.0,
                   "label": "rows of the batch that its graph has no room for"}  # fmt: skip

Rows = Mapping[int, int | None]
"""The padded size of every batch from 1 up, None where it runs eagerly."""


def staircase(
    sizes: Iterable[int],
    histogram: Mapping[int, int],
    *,
    pad: Callable[[int], int | None] | None = None,
    title: str = "",
) -> Picture:
    """Return a picture of the ladder `sizes` over the traffic `histogram`, which counts batches by their size.

    `pad` is the look-up to draw, from a batch to its padded size or None for eager; by default the smallest size that
    holds the batch. It may be a student's own, and wrong: where a graph is too small for its batch, that is drawn.
    The ladder may be wrong as well: what is no size (0, -3) is left out, order and repeats do not matter.
    """
    ladder = sorted({size for size in sizes if size > 0})
    traffic = {batch: count for batch, count in histogram.items() if batch > 0 and count > 0}
    widest = max([*ladder, *traffic, 1])
    padded = {batch: (pad or partial(_smallest, ladder))(batch) for batch in range(1, widest + 1)}
    with drawing():
        picture = Picture(_WIDTH, _HEIGHT)
        stairs = picture.add_axes((_LEFT, 0.42, _AXIS, 0.5))
        _draw_rows(stairs, padded, dict.fromkeys(padded, 1))
        _draw_sizes(stairs, ladder)
        stairs.set(xlim=(0.5, widest + 0.5), ylabel="rows of one batch")
        stairs.legend(loc="upper left", framealpha=0.9, edgecolor="none", fontsize=8.5)
        weighted = picture.add_axes((_LEFT, 0.095, _AXIS, 0.24))
        _draw_rows(weighted, padded, traffic)
        weighted.set(xlim=(0.5, widest + 0.5), xlabel="tokens in the batch", ylabel="rows of all batches")
        picture.text(_LEFT, 0.978, title, va="top", weight="bold", size=10.5)
    return picture


def _smallest(ladder: Sequence[int], batch: int) -> int | None:
    # Its own few lines and not CaptureSizes.pad: lab 4 withholds that one and still wants its picture.
    place = bisect_left(ladder, batch)
    return ladder[place] if place < len(ladder) else None


def _draw_rows(axes: Axes, padded: Rows, counts: Mapping[int, int]) -> None:
    """Draw, for every batch, its own rows and what its graph adds to them or lacks, `counts` times."""
    real = {batch: batch * counts.get(batch, 0) for batch in padded}
    computed = {batch: (size or batch) * counts.get(batch, 0) for batch, size in padded.items()}
    _draw_area(axes, real, {batch: 0 for batch, size in padded.items() if size}, _REAL)
    _draw_area(axes, computed, {batch: real[batch] for batch in padded if computed[batch] > real[batch]}, _PADDING)
    _draw_area(axes, real, {batch: computed[batch] for batch in padded if computed[batch] < real[batch]}, _NO_ROOM)
    _draw_area(axes, real, {batch: 0 for batch, size in padded.items() if not size}, _EAGER)
    axes.set_ylim(0, max(1, *real.values(), *computed.values()) * 1.04)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 4, 5, 8, 10]))


def _draw_area(axes: Axes, tops: Mapping[int, int], bottoms: Mapping[int, int], look: _Look) -> None:
    """Fill each batch that `bottoms` names from there to its top; draw nothing, in the legend neither, for none."""
    if bottoms:
        edges = [0.5, *(batch + 0.5 for batch in tops)]
        baseline = [bottoms.get(batch, top) for batch, top in tops.items()]
        axes.stairs(list(tops.values()), edges, baseline=baseline, fill=True, **look)


def _draw_sizes(axes: Axes, ladder: Sequence[int]) -> None:
    """Mark the batches that fill a graph exactly."""
    axes.plot(ladder, ladder, "o", color=BLACK, markersize=3.2, label="sizes with a graph: no padding", zorder=3)
