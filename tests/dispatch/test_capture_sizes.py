"""Looking a batch up in a ladder, and what the ladder costs."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib import withheld
from mini_lib.dispatch import CaptureSizes, default_capture_sizes, padding_waste, prefill_capture_sizes

ladders = st.lists(st.integers(1, 300), max_size=20)
batches = st.integers(1, 320)
histograms = st.dictionaries(batches, st.integers(0, 50), max_size=30)
many = settings(max_examples=200, deadline=None)


@many
@given(ladders)
def test_a_ladder_is_what_was_given_in_order_and_once(sizes):
    ladder = CaptureSizes(sizes)
    assert list(ladder) == sorted(set(sizes))
    assert len(ladder) == len(set(sizes))
    assert ladder == CaptureSizes(reversed(sizes))
    assert hash(ladder) == hash(CaptureSizes(sizes))
    assert ladder.largest == max(sizes, default=0)


@many
@given(ladders, batches)
def test_a_batch_is_padded_to_the_smallest_size_that_holds_it(sizes, batch):
    assert CaptureSizes(sizes).pad(batch) == min((size for size in sizes if size >= batch), default=None)


@many
@given(ladders.filter(len))
def test_every_size_pads_to_itself_and_the_batch_above_the_largest_runs_eagerly(sizes):
    ladder = CaptureSizes(sizes)
    assert [ladder.pad(size) for size in ladder] == list(ladder)
    assert ladder.pad(ladder.largest + 1) is None


def test_an_empty_ladder_runs_every_batch_eagerly():
    assert [CaptureSizes([]).pad(batch) for batch in (1, 7, 512)] == [None, None, None]


def test_a_ladder_shows_its_sizes_and_cannot_be_changed():
    ladder = CaptureSizes([4, 2])
    assert repr(ladder) == "CaptureSizes([2, 4])"
    with pytest.raises(AttributeError):
        ladder.sizes = (1,)


def test_integers_of_numpy_become_plain_ones():
    assert [type(size) for size in CaptureSizes(np.array([3, 5]))] == [int, int]


@pytest.mark.parametrize("size", [0, -8])
def test_a_size_below_one_is_refused_with_the_way_to_run_without_graphs(size):
    with pytest.raises(ValueError, match=rf"{size} is no capture size.*CaptureSizes\(\[\]\)"):
        CaptureSizes([4, size])


@pytest.mark.parametrize("size", [2.0, "8", None])
def test_a_size_that_is_no_whole_number_is_refused_by_name(size):
    with pytest.raises(TypeError, match=f"{size!r} is no capture size"):
        CaptureSizes([size])


@pytest.mark.parametrize("batch", [0, -1])
def test_an_empty_batch_is_not_padded(batch):
    with pytest.raises(ValueError, match=f"a batch of {batch} tokens"):
        CaptureSizes([4]).pad(batch)


@many
@given(ladders, histograms)
def test_waste_is_the_share_of_padded_rows_when_every_batch_is_counted_one_by_one(sizes, histogram):
    real = computed = 0
    for batch in Counter(histogram).elements():
        real += batch
        computed += min((size for size in sizes if size >= batch), default=batch)
    expected = Fraction(computed - real, computed) if computed else 0
    assert padding_waste(sizes, histogram) == float(expected)


@many
@given(ladders, histograms)
def test_waste_lies_between_nothing_and_below_everything(sizes, histogram):
    assert 0 <= padding_waste(CaptureSizes(sizes), histogram) < 1


def test_a_batch_above_the_largest_counts_as_computed_and_not_as_padding():
    assert padding_waste([4], {3: 1}) == 1 / 4
    assert padding_waste([4], {3: 1, 12: 1}) == 1 / 16


def test_nothing_computed_is_nothing_wasted():
    assert padding_waste([4], {}) == padding_waste([4], {3: 0}) == 0


def test_a_batch_that_never_occurred_does_not_matter_even_if_it_is_none():
    assert padding_waste([4], {0: 0, 3: 1}) == 1 / 4


def test_the_51_sizes_of_vllm_waste_most_on_small_batches():
    sizes = default_capture_sizes(max_num_seqs=256)
    # 14.7 %, 2.4 % and 1.9 %: the padding cost of these 51 sizes for traffic that is uniform in each range.
    ranges = [range(1, 33), range(33, 257), range(257, 513)]
    assert [f"{padding_waste(sizes, dict.fromkeys(some, 7)):.1%}" for some in ranges] == ["14.7%", "2.4%", "1.9%"]
    assert max(padding_waste(sizes, {batch: 3}) for batch in range(1, 513)) == padding_waste(sizes, {9: 3}) == 0.4375


@pytest.mark.parametrize(
    ("histogram", "told"),
    [({5: -1}, r"histogram\[5\] is -1"), ({0: 2}, "a batch of 0 tokens"), ({-4: 2}, "a batch of -4 tokens")],
)
def test_a_histogram_that_counts_no_batches_is_refused(histogram, told):
    with pytest.raises(ValueError, match=told):
        padding_waste([4, 8], histogram)


def test_lab_4_withholds_what_it_asks_for_and_no_more(monkeypatch):
    ladder = CaptureSizes([4, 8])
    monkeypatch.setattr(withheld, "_open_lab", "lab04")
    for call in (
        lambda: default_capture_sizes(max_num_seqs=8),
        lambda: ladder.pad(5),
        lambda: padding_waste([4], {3: 1}),
    ):
        with pytest.raises(withheld.Withheld, match="lab 4: write your own"):
            call()
    assert prefill_capture_sizes(8) == [4, 8]
    assert ladder.largest == 8
