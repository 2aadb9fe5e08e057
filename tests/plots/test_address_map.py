"""The map of a pool: live filled, free hatched, true addresses on an axis that may be bent."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mini_lib import plots
from tests.plots.drawn import assert_readable, bars, texts


class Block(NamedTuple):
    offset: int
    num_bytes: int
    label: str
    live: bool


def test_an_address_map_draws_live_blocks_filled_and_free_ones_hatched():
    blocks = [Block(0, 3072, "h", True), Block(3072, 1024, "", False), Block(4096, 2048, "out", True)]
    axes = plots.address_map(blocks).axes[0]
    assert [(left * 6144, right * 6144) for left, right, _ in bars(axes, hatched=False)] == [(0, 3072), (4096, 6144)]
    assert [(left * 6144, right * 6144) for left, right, _ in bars(axes, hatched=True)] == [(3072, 4096)]
    assert {"h\n3 KiB", "1 KiB", "out\n2 KiB"} == {*texts(axes)}
    assert axes.get_xlabel() == "address in the pool"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "3 KiB", "4 KiB", "6 KiB"]


def test_a_large_free_stretch_and_a_tiny_block_are_both_visible_and_the_axis_says_so():
    blocks = [Block(0, 65536, "h", True), Block(65536, 512, "sum", True), Block(66048, 2_000_000, "", False)]
    axes = plots.address_map(blocks, title="A pool").axes[0]
    (first, tiny), (free,) = bars(axes, hatched=False), bars(axes, hatched=True)
    assert 0.01 < tiny[1] - tiny[0] < 0.02
    assert free[1] - free[0] < first[1] - first[0] + 0.02
    assert "not to scale" in axes.get_xlabel()


def test_blocks_that_shared_an_address_lie_below_one_another():
    axes = plots.address_map([Block(0, 64, "a", True), Block(0, 32, "b", True), Block(32, 32, "c", True)]).axes[0]
    assert [y for _, _, y in bars(axes, hatched=False)] == [1, 0, 1]


@settings(max_examples=25, deadline=None, phases=[Phase.generate])  # shrinking would draw for minutes
@given(
    st.lists(st.builds(Block, st.integers(0, 9), st.integers(0, 4), st.sampled_from(["", "aten.mm"]), st.booleans()))
)
def test_an_address_map_stays_readable_whatever_the_blocks(blocks):
    grown = [Block(b.offset**5 * 512, b.num_bytes**6 * 512, b.label, b.live) for b in blocks[:12]]
    assert_readable(plots.address_map(grown, title="A pool"))
