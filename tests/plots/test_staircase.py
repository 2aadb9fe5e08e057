"""The staircase: its hatched area is the padding, for any ladder and any look-up that a student may bring."""

from __future__ import annotations

import pytest

from mini_lib import plots, withheld
from tests.plots.drawn import assert_readable


def areas(axes):
    """Return {legend label: area} of the filled stairs on `axes`."""
    data = {}
    for patch in axes.patches:
        values, edges, baseline = patch.get_data()
        data[patch.get_label()] = sum((v - b) * (edges[n + 1] - edges[n])
                                      for n, (v, b) in enumerate(zip(values, baseline, strict=True)))  # fmt: skip
    return data


def test_the_hatched_area_of_a_staircase_is_the_padding_of_the_traffic():
    stairs, weighted = plots.staircase([4, 8], {3: 10, 5: 7, 8: 2, 11: 1}).axes
    assert areas(weighted) == {
        "rows of the batch": 3 * 10 + 5 * 7 + 8 * 2,
        "padding": 10 * 1 + 7 * 3,
        "rows of a batch that runs eagerly: no graph holds it": 11,
    }
    assert areas(stairs)["padding"] == (3 + 2 + 1) + (3 + 2 + 1)
    assert stairs.get_xlim() == weighted.get_xlim() == (0.5, 11.5)


def test_a_look_up_that_rounds_down_shows_the_rows_without_room():
    stairs, _ = plots.staircase([1, 4], {3: 1}, pad=lambda batch: 4 if batch >= 4 else 1).axes
    assert areas(stairs) == {
        "rows of the batch": 1 + 1 + 1 + 4 + (1 + 2),
        "rows of the batch that its graph has no room for": 1 + 2,
    }


def test_every_size_is_marked_where_a_batch_fills_it_and_what_is_no_size_is_left_out():
    (dots,) = plots.staircase([8, 0, 2, -3, 2], {3: 1}).axes[0].lines
    assert [list(dots.get_xdata()), list(dots.get_ydata())] == [[2, 8], [2, 8]]


@pytest.mark.parametrize("sizes", [[], [0, -3], [8, 2, 2], [512]])
def test_a_staircase_draws_any_ladder_that_a_student_may_have_made(sizes):
    assert_readable(plots.staircase(sizes, {5: 3, 40: 2}, title="Your ladder"))


def test_the_staircase_is_drawn_in_lab_4_too_where_the_look_up_is_withheld(monkeypatch):
    monkeypatch.setattr(withheld, "_open_lab", "lab04")
    assert areas(plots.staircase([4], {3: 1}).axes[1])["padding"] == 1
