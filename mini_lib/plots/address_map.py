"""The blocks of a memory pool over its addresses: what is alive, what may be handed out again, what was never used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mini_lib.plots.lane_labels import SIZE_PT, width_pt
from mini_lib.plots.picture import GREEN, GREY, IDLE, Picture, drawing

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 9.6, 0.3, 0.3, 0.36, 0.62, 0.46  # inches
_AXIS = _WIDTH - _LEFT - _RIGHT
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


class Block(Protocol):
    """What is needed to draw a block; `Pool.blocks()` gives such values."""

    @property
    def offset(self) -> int: ...
    @property
    def num_bytes(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def live(self) -> bool: ...


def address_map(blocks: Iterable[Block], *, title: str = "") -> Picture:
    """Return a picture of `blocks` over the addresses of their pool: live ones filled, free ones hatched.

    Blocks that lie at the same addresses, because one was handed out after the other, are drawn below one another in
    the given order. A label that does not fit into its block is left out.
    """
    rows = _rows(list(blocks))
    end = max((block.offset + block.num_bytes for row in rows for block in row), default=0) or 1
    divisor, unit = next((size, name) for size, name in _UNITS if end >= size)
    top = _TOP if title else 0.08
    height = top + _ROW * max(1, len(rows)) + _BOTTOM
    with drawing():
        picture = Picture(_WIDTH, height)
        place = (_LEFT / _WIDTH, _BOTTOM / height, _AXIS / _WIDTH, 1 - (_BOTTOM + top) / height)
        axes = picture.add_axes(place)
        axes.set(xlim=(0, end / divisor), ylim=(max(1, len(rows)) - 0.5, -0.5), yticks=[])
        axes.spines["left"].set_visible(False)
        for y, row in enumerate(rows):
            _draw_row(axes, y, row, divisor)
        axes.set_xlabel(f"address in the pool ({unit})")
        picture.text(_LEFT / _WIDTH, 1 - 0.12 / height, title, va="top", weight="bold", size=10.5)
        keys = [Patch(facecolor=GREEN, label="live"), Patch(**IDLE, label="free: the next block may lie here")]
        corner = ((_LEFT + _AXIS) / _WIDTH, 0.1 / height)
        picture.legend(handles=keys, loc="lower right", bbox_to_anchor=corner, ncols=2, frameon=False, fontsize=8,
                       borderpad=0, borderaxespad=0)  # fmt: skip
    return picture


def _rows(blocks: Sequence[Block]) -> list[list[Block]]:
    """Put each block into the first row in which its addresses are still free."""
    rows: list[list[Block]] = []
    for block in blocks:
        row = next((row for row in rows if not any(_overlap(block, other) for other in row)), None)
        if row is None:
            rows.append([block])
        else:
            row.append(block)
    return rows


def _overlap(one: Block, other: Block) -> bool:
    return one.offset < other.offset + other.num_bytes and other.offset < one.offset + one.num_bytes


def _draw_row(axes: Axes, y: int, row: Sequence[Block], divisor: int) -> None:
    pt_per_unit = _AXIS * 72 / axes.get_xlim()[1]
    for block in row:
        start, width = block.offset / divisor, block.num_bytes / divisor
        look = {"facecolor": GREEN, "edgecolor": "white", "linewidth": 0.8} if block.live else IDLE
        axes.broken_barh([(start, width)], (y - 0.38, 0.76), **look)
        if width_pt(block.label) + 6 <= width * pt_per_unit:
            paper = None if block.live else {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            colour = "white" if block.live else GREY
            axes.text(
                start + width / 2, y, block.label, color=colour, size=SIZE_PT, ha="center", va="center", bbox=paper
            )
