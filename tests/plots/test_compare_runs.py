"""Recorded against simulated: what is drawn is what was given, and the error in words is the error of the points."""

from __future__ import annotations

import pytest

from mini_lib.plots.compare_runs import compare, error_text
from tests.plots.drawn import assert_readable

RECORDED = {
    "NONE": {1: (400.0, 390.0, 460.0), 8: (420.0, 410.0, 450.0), 64: (900.0, 890.0, 990.0)},
    "FULL": {1: (100.0, 98.0, 120.0), 8: (200.0, 195.0, 230.0)},
}
SIMULATED = {"NONE": {1: 404.0, 8: 404.0, 64: 900.0}, "FULL": {1: 90.0, 8: 204.0, 64: 700.0}}


def lines_of(axes):
    """Return the data of every line with two ends or more, by its style of line."""
    return {line.get_linestyle(): dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines
            if line.get_linestyle() in ("-", ":", "--", "-.")}  # fmt: skip


def points_of(axes):
    """Return the heights of the points by their marker."""
    return {
        line.get_marker(): list(line.get_ydata()) for line in axes.lines if line.get_marker() in ("o", "s", "^", "D")
    }


def test_lines_are_the_simulated_times_and_points_the_recorded_ones():
    times, _ = compare(RECORDED, SIMULATED).axes
    assert lines_of(times) == {"-": SIMULATED["NONE"], ":": SIMULATED["FULL"]}
    assert points_of(times) == {"o": [400.0, 420.0, 900.0], "^": [100.0, 200.0]}


def test_bars_reach_from_the_10th_to_the_90th_percentile():
    times, _ = compare(RECORDED, SIMULATED).axes
    bars = {tuple(path.vertices[:, 1]) for collection in times.collections for path in collection.get_paths()}
    assert (390.0, 460.0) in bars and (195.0, 230.0) in bars


def test_below_stands_how_far_each_line_is_from_its_point():
    _, errors = compare(RECORDED, SIMULATED).axes
    assert points_of(errors)["^"] == pytest.approx([-10.0, 2.0])
    assert points_of(errors)["o"] == pytest.approx([1.0, 100 * (404 / 420 - 1), 0.0])


def test_the_error_in_words_is_mean_and_largest_of_the_points_that_both_have():
    text = error_text(RECORDED, SIMULATED)
    mean = (1.0 + 100 * 16 / 420 + 0.0 + 10.0 + 2.0) / 5
    assert text == f"Off by {mean:.1f} % on average over 5 recorded points, at most by -10.0 % (FULL, batch 1)."
    picture = compare(RECORDED, SIMULATED, title="tiny lean")
    assert {shown.get_text() for shown in picture.texts} == {"tiny lean", text}


def test_points_of_two_modes_at_one_batch_do_not_hide_each_other():
    times, _ = compare(RECORDED, SIMULATED).axes
    first = {line.get_marker(): line.get_xdata()[0] for line in times.lines if line.get_marker() in ("o", "^")}
    assert first["o"] < 1.0 < first["^"]


@pytest.mark.parametrize("recorded", [{}, {"NONE": {}, "FULL": {}}])
def test_without_a_recorded_point_the_picture_says_so(recorded):
    picture = compare(recorded, SIMULATED)
    assert len(picture.axes) == 1
    assert any("Nothing was recorded" in shown.get_text() for shown in picture.texts)
    assert "recorded" not in " ".join(key.get_text() for key in picture.axes[0].get_legend().get_texts())


@pytest.mark.parametrize(
    ("recorded", "simulated"),
    [
        (RECORDED, SIMULATED),
        ({}, SIMULATED),
        (RECORDED, {}),
        ({}, {}),
        ({"PIECEWISE": {3: (5.0, 5.0, 5.0)}}, {"PIECEWISE": {3: 90.0}}),
        ({"OWN": {1: (50.0, 40.0, 60.0)}}, {"OWN": {1: 50.0, 512: 9e4}, "NONE": {1: 3.0}}),
    ],
)
def test_a_comparison_of_anything_can_be_read(recorded, simulated):
    assert_readable(compare(recorded, simulated, title="Recorded against simulated, on the NVIDIA H200"))


def test_the_same_data_gives_the_same_bytes():
    assert compare(RECORDED, SIMULATED).png() == compare(RECORDED, SIMULATED).png()
