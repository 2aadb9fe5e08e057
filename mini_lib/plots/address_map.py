"""The blocks of a memory pool in the order of their addresses: what is alive, and what may be handed out again.

A pool grows by segments of 2 MiB and more, and what a small model keeps in it is often a hundredth of that. So a free
stretch is drawn no longer than all live blocks together, and no block so narrow that one cannot see it; where that
bends the scale, the axis says so. The numbers on the axis are true addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mini_lib.plots.lane_labels import SIZE_PT, width_pt
from mini_lib.plots.picture import BLACK, GREEN, IDLE, Picture, drawing, legend_below

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 9.6, 0.3, 0.3, 0.36, 0.66, 0.5  # inches
_AXIS_PT = (_WIDTH - _LEFT - _RIGHT) * 72
_LEAST = 0.012  # of the axis: as narrow as a block may be drawn


class Block(Protocol):
    """What is needed to draw a block; a pool's `blocks()` gives such values."""

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
    the given order. What does not fit into its block, a label or a size, is left out.
    """
    rows = _rows(list(blocks))
    place, to_scale = _layout([block for row in rows for block in row])
    top = _TOP if title else 0.08
    height = top + _ROW * max(1, len(rows)) + _BOTTOM
    with drawing():
        picture = Picture(_WIDTH, height)
        corner, size = (_LEFT / _WIDTH, _BOTTOM / height), (_AXIS_PT / 72 / _WIDTH, 1 - (_BOTTOM + top) / height)
        axes = picture.add_axes((*corner, *size))
        axes.set(xlim=(0, 1), ylim=(max(1, len(rows)) - 0.5, -0.5), yticks=[])
        axes.spines["left"].set_visible(False)
        for y, row in enumerate(rows):
            for block in row:
                _draw_block(axes, y, block, place)
        axes.set_xticks(list(place.values()), _tick_labels(place), size=SIZE_PT)
        axes.set_xlabel("address in the pool" if to_scale else "address in the pool (lengths not to scale)")
        picture.text(_LEFT / _WIDTH, 1 - 0.12 / height, title, va="top", weight="bold", size=10.5)
        keys = [Patch(facecolor=GREEN, label="live"), Patch(**IDLE, label="free: the next block may lie here")]
        legend_below(picture, keys, right=(_LEFT + _AXIS_PT / 72) / _WIDTH)
    return picture


def in_bytes(num_bytes: int) -> str:
    """Return a number of bytes as text, in the largest unit that it fills."""
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if num_bytes >= size:
            return f"{num_bytes / size:.4g} {unit}"
    return f"{num_bytes} B" if num_bytes else "0"


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


def _layout(blocks: Sequence[Block]) -> tuple[dict[int, float], bool]:
    """Return the place of every edge of a block on the axis, from 0 to 1, and whether lengths are to scale."""
    edges = sorted({0, *(edge for block in blocks for edge in (block.offset, block.offset + block.num_bytes))})
    live = {(low, high): any(b.live and b.offset < high and low < b.offset + b.num_bytes for b in blocks)
            for low, high in pairwise(edges)}  # fmt: skip
    longest_free = sum(high - low for (low, high), is_live in live.items() if is_live) or edges[-1]
    lengths = [high - low if is_live else min(high - low, longest_free) for (low, high), is_live in live.items()]
    shares = [max(length / sum(lengths), _LEAST) for length in lengths]
    place = {edges[0]: 0.0}
    for edge, share in zip(edges[1:], shares, strict=True):
        place[edge] = list(place.values())[-1] + share / sum(shares)
    true = all(abs(x - edge / edges[-1]) < 1e-6 for edge, x in place.items() if edges[-1])
    return place, true


def _tick_labels(place: Mapping[int, float]) -> list[str]:
    """Return an address for every edge, and an empty text where the one before it leaves no room."""
    labels, free_from_pt = [], -_AXIS_PT
    for address, x in place.items():
        text = in_bytes(address)
        fits = x * _AXIS_PT - width_pt(text) / 2 >= free_from_pt
        labels.append(text if fits else "")
        if fits:
            free_from_pt = x * _AXIS_PT + width_pt(text) / 2 + 5
    return labels


def _draw_block(axes: Axes, y: int, block: Block, place: Mapping[int, float]) -> None:
    left, right = place[block.offset], place[block.offset + block.num_bytes]
    look = {"facecolor": GREEN, "edgecolor": "white", "linewidth": 0.8} if block.live else IDLE
    axes.broken_barh([(left, right - left)], (y - 0.4, 0.8), **look)
    paper = None if block.live else {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    colour, text = "white" if block.live else BLACK, _text_for(block, (right - left) * _AXIS_PT - 6)
    if text:
        axes.text((left + right) / 2, y, text, color=colour, size=SIZE_PT, ha="center", va="center", bbox=paper)


def _text_for(block: Block, room_pt: float) -> str:
    """Return label and size of `block`, or the first of them, as far as `room_pt` reaches."""
    lines = [line for line in (block.label, in_bytes(block.num_bytes)) if line]
    if max(map(width_pt, lines)) <= room_pt:
        return "\n".join(lines)
    return lines[0] if width_pt(lines[0]) <= room_pt else ""
