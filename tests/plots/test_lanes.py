"""Lanes: every span where it lies, idle time hatched, labels that fit and lie on nothing."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mini_lib import plots
from mini_lib.plots import lanes
from mini_lib.plots.lane_labels import Scale, kind, labels_above, width_pt
from mini_lib.timing import Span, Timeline, decode_step
from tests.plots.drawn import assert_readable, bars, texts

STEP = decode_step(num_kernels=12, kernel_us=3.0)


def test_two_lanes_draws_every_span_where_it_lies_cpu_above_gpu():
    axes = plots.two_lanes(STEP.eager).axes[0]
    drawn = [(left, right) for left, right, y in bars(axes, hatched=False) if y == 1]
    assert drawn == [(span.start_us, span.end_us) for span in STEP.eager.lane("GPU")]
    cpu = [(left, right) for left, right, y in bars(axes, hatched=False) if y == 0]
    assert cpu == [(span.start_us, span.end_us) for span in STEP.eager.lane("CPU")]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["CPU", "GPU"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the axis points down, so lane 0, the CPU, is on top"


def test_idle_time_is_hatched_grey_and_lies_where_the_timeline_says():
    axes = plots.two_lanes(STEP.graph).axes[0]
    idle = {(gap.start_us, gap.end_us, y) for y, lane in enumerate(("CPU", "GPU")) for gap in STEP.graph.idle(lane)}
    assert set(bars(axes, hatched=True)) == idle
    for collection in axes.collections:
        if collection.get_hatch():
            red, green, blue = collection.get_edgecolor()[0][:3]
            assert red == green == blue


def test_each_lane_says_which_share_of_its_time_it_stood_idle():
    said = texts(plots.two_lanes(STEP.eager).axes[0])
    for lane in ("CPU", "GPU"):
        assert any(text.strip() == f"{STEP.eager.idle_share(lane):.0%} idle" for text in said)


def test_a_mark_is_a_line_through_all_lanes_with_its_words_beside_it():
    end_us = STEP.graph.end_us
    axes = plots.two_lanes(STEP.graph, marks={"early": 0.4 * end_us, "late": 0.8 * end_us}).axes[0]
    drawn = [(line.get_xdata()[0], max(line.get_ydata())) for line in axes.lines if len({*line.get_xdata()}) == 1]
    lowest = axes.get_ylim()[0]
    assert {(0.4 * end_us, lowest), (0.8 * end_us, lowest)} <= {*drawn}
    sides = {text.get_text().strip(): text.get_ha() for text in axes.texts}
    assert (sides["early"], sides["late"]) == ("left", "right")


def test_zooming_in_shows_the_first_microseconds_and_their_shares():
    axes = plots.two_lanes(STEP.eager, first_us=40.0).axes[0]
    assert axes.get_xlim() == (0, 40)
    assert all(right <= 40 for _, right, _ in bars(axes, hatched=False))
    assert any(f"{STEP.eager.first(40.0).idle_share('GPU'):.0%}" in text for text in texts(axes))


def test_names_that_fit_are_inside_and_neighbours_that_do_not_fit_share_a_label():
    wide, narrow = plots.two_lanes(STEP.eager, first_us=30.0), plots.two_lanes(decode_step(324, 1.8).eager)
    assert "launch norm" in texts(wide.axes[0])
    assert {"324 launches", "324 kernels"} <= {*texts(narrow.axes[0])}
    assert not any("norm" in text for text in texts(narrow.axes[0]))


def test_equal_neighbours_share_a_label_that_names_them():
    spans = [Span("GPU", "a long name of a kernel", 2.0 * n, 2.0 * n + 1.5) for n in range(5)]
    assert "5 × a long name of a kernel" in texts(plots.two_lanes(Timeline([*spans, Span("CPU", "x", 0, 90)])).axes[0])


def test_a_timeline_that_starts_late_is_drawn_from_its_own_start():
    late = Timeline(Span(s.lane, s.name, s.start_us + 4096, s.end_us + 4096) for s in STEP.graph.spans)
    assert bars(plots.two_lanes(late).axes[0], hatched=False)[0][0] == 0
    assert plots.two_lanes(late).axes[0].get_xlim() == (0, late.duration_us)


def test_a_third_lane_follows_below_and_an_absent_lane_is_there():
    axes = plots.two_lanes(Timeline([Span("copy", "h2d", 1, 4)])).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["CPU", "GPU", "copy"]


def test_an_empty_timeline_is_an_empty_picture():
    assert bars(plots.two_lanes(Timeline([])).axes[0], hatched=False) == []


def test_compared_timelines_share_one_time_axis_and_each_says_how_long_it_takes():
    picture = plots.compare_lanes({"eager": STEP.eager, "graph": STEP.graph}, title="both")
    longest = max(STEP.eager.duration_us, STEP.graph.duration_us)
    assert [axes.get_xlim() for axes in picture.axes] == [(0, longest)] * 2
    titles = [axes.get_title(loc="left") for axes in picture.axes]
    assert titles == [f"{name}: {lanes.in_us(t.duration_us)}" for name, t in zip(("eager", "graph"), STEP, strict=True)]
    assert picture.axes[-1].get_xlabel() == "time (µs)"
    ends = [line for line in picture.axes[1].lines if list(line.get_xdata()) == [STEP.graph.duration_us] * 2]
    assert len(ends) == 1, "a dashed line where the shorter one ends"


def test_nothing_to_compare_is_refused_with_what_to_pass():
    with pytest.raises(ValueError, match="pass a mapping"):
        plots.compare_lanes({})


def test_durations_are_written_with_the_digits_that_a_reader_wants():
    assert [lanes.in_us(us) for us in (0.5, 176.84, 2459.2)] == ["0.5 µs", "176.8 µs", "2,459 µs"]


names = st.sampled_from(["launch x", "replay decode", "prepare", "a rather long name for a span", "q"])
steps = st.lists(st.tuples(names, st.floats(0, 30), st.floats(0.01, 40)), min_size=1, max_size=25)


@settings(max_examples=25, deadline=None, phases=[Phase.generate])  # shrinking would draw for minutes
@given(steps, steps)
def test_no_label_lies_on_another_whatever_the_timeline(cpu, gpu):
    spans = []
    for lane, work in (("CPU", cpu), ("GPU", gpu)):
        now = 0.0
        for name, pause, us in work:
            spans.append(Span(lane, name, now + pause, now + pause + us))
            now += pause + us
    assert_readable(plots.two_lanes(Timeline(spans), title="A title of a usual length"))


def test_a_launch_is_drawn_as_one_also_by_the_names_that_a_profiler_gives():
    names = ("launch norm", "replay decode", "cudaLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync")
    assert {kind(Span("CPU", name, 1, 2)) for name in names} == {"launch"}
    assert {kind(Span("CPU", name, 1, 2)) for name in ("aten::mm", "prepare", "cudaEventRecord")} == {"work"}


def test_a_label_above_moves_aside_for_its_neighbour_and_is_dropped_when_that_is_far():
    spans = [Span("CPU", name, start, start + 0.1) for start, name in ((0.0, "prepare"), (1.0, "launch decode"))]
    near = labels_above(spans, Scale(100.0, 5.0))
    assert [label.text for label in near] == ["prepare", "launch decode"]
    assert (near[1].x_us - near[0].x_us) * 5.0 >= (width_pt("prepare") + width_pt("launch decode")) / 2
    crowd = [Span("CPU", f"{'launch' if n % 2 else 'work'} number {n}", n, n + 0.1) for n in range(20)]
    assert len(labels_above(crowd, Scale(100.0, 5.0))) < 20


def test_a_shared_label_ends_at_a_span_that_shows_its_name_and_at_a_wide_gap():
    ends = {"norm": (0, 1), "rope": (2, 3), "q": (4, 16), "gate": (17, 18), "up": (19, 20), "down": (60, 61)}
    spans = [Span("GPU", name, *at) for name, at in ends.items()]  # 1 us is 1 pt: only q can hold its name
    labels = [(label.text, label.start_us, label.end_us) for label in labels_above(spans, Scale(300.0, 1.0))]
    assert labels == [("2 kernels", 0, 3), ("2 kernels", 17, 20), ("down", 60, 61)]
