"""What is on a picture: bars, texts and their places, and whether one can read it."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
from matplotlib.collections import PolyCollection


def bars(axes, hatched):
    """Return (left, right, y) of every bar on `axes`, the hatched ones or the others."""
    found = []
    for collection in axes.collections:
        if isinstance(collection, PolyCollection) and bool(collection.get_hatch()) == hatched:
            for path in collection.get_paths():
                box = path.get_extents()
                found.append((box.x0, box.x1, round((box.y0 + box.y1) / 2, 6)))
    return sorted(found)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def boxes(picture):
    """Return the box in pixels of every text that is shown, after a drawing has placed it."""
    picture.draw_without_rendering()
    shown = [t for t in picture.findobj(mpl.text.Text) if t.get_text().strip() and t.get_visible()]
    ticks = {label for axes in picture.axes for axis in (axes.xaxis, axes.yaxis) for label in _outside(axes, axis)}
    return {t.get_text() + f" #{n}": t.get_window_extent() for n, t in enumerate(shown) if t not in ticks}


def _outside(axes, axis):
    """Return the labels of ticks that lie beyond the end of the axis: matplotlib keeps them and draws them not."""
    low, high = sorted(axis.get_view_interval())
    return [t for tick in axis.get_major_ticks() for t in (tick.label1, tick.label2)
            if not low <= tick.get_loc() <= high]  # fmt: skip


def assert_nothing_overlaps(picture):
    for (one, box), (other, another) in combinations(boxes(picture).items(), 2):
        # A box is a little larger than its letters: what counts is more than a pixel in both directions.
        across = min(box.x1, another.x1) - max(box.x0, another.x0)
        down = min(box.y1, another.y1) - max(box.y0, another.y0)
        assert across <= 1 or down <= 1, f"{one!r} lies on {other!r}"


def assert_all_within(picture):
    width, height = picture.bbox.width, picture.bbox.height
    for text, box in boxes(picture).items():
        inside = box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1
        assert inside, f"{text!r} leaves the picture"


def assert_readable(picture):
    assert_nothing_overlaps(picture)
    assert_all_within(picture)
