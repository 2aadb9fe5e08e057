"""Spans and timelines: what is busy, what is idle, and the trace that Perfetto opens."""

from __future__ import annotations

import json
import math
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.timing import Span, Timeline

many = settings(max_examples=200, deadline=None)
# Eighths of a microsecond: sums of them are exact in floating point, so that equality may be asked for.
eighths = st.integers(-8_000, 8_000).map(lambda n: n / 8)
any_time = st.floats(-1e9, 1e9)


def spans_at(times, lanes=("CPU", "GPU", "copy")):
    def span(lane, name, one, other):
        return Span(lane, name, min(one, other), max(one, other))

    return st.builds(span, st.sampled_from(lanes), st.text(max_size=8), times, times)


def timelines_at(times):
    return st.lists(spans_at(times), max_size=12).map(Timeline)


def busy_eighths(timeline, lane):
    """Count the eighths of a microsecond in which something runs, one by one."""
    return sum(
        any(span.start_us * 8 <= tick < span.end_us * 8 for span in timeline.spans if span.lane == lane)
        for tick in range(int(timeline.start_us * 8), int(timeline.end_us * 8))
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(spans_at(st.integers(-300, 300).map(lambda n: n / 8)), max_size=8).map(Timeline))
def test_busy_time_is_the_time_in_which_something_runs_counted_tick_by_tick(timeline):
    for lane in ("CPU", "GPU", "copy"):
        assert timeline.busy_us(lane) * 8 == busy_eighths(timeline, lane)


@many
@given(timelines_at(eighths))
def test_idle_and_busy_time_add_up_to_the_duration(timeline):
    for lane in ("CPU", "GPU", "copy"):
        assert timeline.idle_us(lane) + timeline.busy_us(lane) == timeline.duration_us
        assert 0 <= timeline.idle_share(lane) <= 1


@many
@given(timelines_at(any_time))
def test_idle_and_busy_time_are_never_negative_however_the_sums_round(timeline):
    for lane in timeline.lanes:
        assert timeline.idle_us(lane) >= 0
        assert timeline.busy_us(lane) >= 0


@many
@given(timelines_at(eighths))
def test_the_gaps_of_a_lane_lie_where_it_does_nothing(timeline):
    for gap in timeline.idle("GPU"):
        assert gap.duration_us > 0
        assert all(span.end_us <= gap.start_us or span.start_us >= gap.end_us for span in timeline.lane("GPU"))


def test_a_lane_that_waits_for_others_is_idle_before_between_and_after_its_spans():
    timeline = Timeline([Span("CPU", "a", 0, 20), Span("GPU", "k", 3, 5), Span("GPU", "k", 9, 14)])
    assert [(gap.start_us, gap.end_us) for gap in timeline.idle("GPU")] == [(0, 3), (5, 9), (14, 20)]
    assert timeline.idle_share("GPU") == 13 / 20


def test_time_in_which_two_streams_run_counts_once():
    assert Timeline([Span("GPU", "a", 0, 10), Span("GPU", "b", 4, 6), Span("GPU", "c", 8, 13)]).busy_us("GPU") == 13


def test_a_lane_that_does_nothing_is_idle_all_the_time():
    timeline = Timeline([Span("CPU", "alone", 2, 9)])
    assert timeline.lane("GPU") == ()
    assert timeline.idle_us("GPU") == timeline.duration_us == 7


def test_an_empty_timeline_lasts_no_time_and_has_no_lanes():
    timeline = Timeline([])
    assert (timeline.lanes, timeline.duration_us, timeline.idle_share("GPU"), timeline.idle("GPU")) == ((), 0, 0, ())


def test_lanes_come_in_order_of_appearance_and_their_spans_by_start():
    late, early = Span("GPU", "late", 5, 6), Span("GPU", "early", 1, 2)
    timeline = Timeline([late, Span("CPU", "x", 0, 3), early])
    assert timeline.lanes == ("GPU", "CPU")
    assert timeline.lane("GPU") == (early, late)
    assert timeline.spans[0] == late


@many
@given(timelines_at(eighths), st.integers(1, 4000).map(lambda n: n / 8))
def test_the_first_microseconds_hold_what_ran_in_them_and_nothing_beyond(timeline, us):
    window = timeline.first(us)
    assert all(span.end_us <= timeline.start_us + us for span in window.spans)
    for lane in timeline.lanes:
        cut = [(s.name, s.start_us, min(s.end_us, timeline.start_us + us)) for s in timeline.lane(lane)]
        assert [(s.name, s.start_us, s.end_us) for s in window.lane(lane)] == [
            (name, start, end) for name, start, end in cut if start < timeline.start_us + us
        ]


@pytest.mark.parametrize("us", [0, -3.5, math.nan])
def test_the_first_nothing_of_a_timeline_is_refused(us):
    with pytest.raises(ValueError, match="ask for more than 0"):
        Timeline([]).first(us)


@many
@given(timelines_at(eighths), eighths, eighths)
def test_what_ran_between_two_moments_is_cut_to_them(timeline, one, other):
    start_us, end_us = min(one, other), max(one, other)
    window = timeline.between(start_us, end_us)
    assert all(start_us <= span.start_us and span.end_us <= end_us for span in window.spans)
    for lane in timeline.lanes:
        clock = Timeline([Span("clock", "", start_us, end_us)])  # so that idle time counts from moment to moment
        inside_us = Timeline([*clock.spans, *window.spans]).busy_us(lane)
        assert inside_us == Timeline([*clock.spans, *timeline.lane(lane)]).overlap_us("clock", lane)


def test_between_keeps_a_span_of_no_length_once_at_its_moment():
    mark = Timeline([Span("CPU", "mark", 5.0, 5.0), Span("CPU", "ends here", 2.0, 5.0)])
    assert [span.name for span in mark.between(5.0, 9.0).spans] == ["mark"]
    assert [span.name for span in mark.between(1.0, 5.0).spans] == ["ends here"]


@settings(max_examples=60, deadline=None)
@given(st.lists(spans_at(st.integers(-300, 300).map(lambda n: n / 8)), max_size=8).map(Timeline))
def test_lanes_overlap_where_both_are_busy_counted_tick_by_tick(timeline):
    def busy(lane, tick):
        return any(span.start_us * 8 <= tick < span.end_us * 8 for span in timeline.lane(lane))

    both = sum(busy("CPU", tick) and busy("GPU", tick) for tick in range(-300, 300))
    assert timeline.overlap_us("CPU", "GPU") * 8 == timeline.overlap_us("GPU", "CPU") * 8 == both


def test_streams_become_one_gpu_whose_time_counts_once():
    timeline = Timeline([Span("CPU", "x", 0, 20), Span("GPU", "a", 1, 9), Span("GPU stream 7", "b", 5, 12)])
    assert timeline.gpu_lanes == ("GPU", "GPU stream 7")
    whole = timeline.merged(timeline.gpu_lanes, into="GPU")
    assert (whole.lanes, whole.busy_us("GPU"), whole.idle_us("GPU")) == (("CPU", "GPU"), 11, 9)


@many
@given(timelines_at(any_time))
def test_a_trace_comes_back_bit_for_bit_also_through_json(timeline):
    back = Timeline.from_chrome_trace(json.loads(json.dumps(timeline.to_chrome_trace())))
    assert back == timeline
    exact = [(s.lane, s.name, float(s.start_us).hex(), float(s.end_us).hex()) for s in timeline.spans]
    assert [(s.lane, s.name, float(s.start_us).hex(), float(s.end_us).hex()) for s in back.spans] == exact


def test_spans_may_be_called_what_the_format_calls_its_own():
    timeline = Timeline([Span("CPU", "thread_name", 1.0, 2.0), Span("GPU", "thread_sort_index", 1.0, 3.0)])
    assert Timeline.from_chrome_trace(timeline.to_chrome_trace()) == timeline


def test_a_saved_trace_is_a_file_that_comes_back(tmp_path):
    timeline = Timeline([Span("CPU", "launch µ", 0.1, 0.7), Span("GPU", "matmul", 1.3, 2.9)])
    timeline.save(tmp_path / "step.trace.json")
    assert Timeline.from_chrome_trace(json.loads((tmp_path / "step.trace.json").read_text("utf-8"))) == timeline


def test_a_trace_has_what_the_format_asks_for():
    trace = Timeline([Span("CPU", "launch", 1.5, 4.0), Span("GPU", "matmul", 6.0, 7.0)]).to_chrome_trace()
    named = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    order = {e["tid"]: e["args"]["sort_index"] for e in trace["traceEvents"] if e["name"] == "thread_sort_index"}
    complete = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert [(named[e["tid"]], e["name"], e["ts"], e["dur"]) for e in complete] == [
        ("CPU", "launch", 1.5, 2.5),
        ("GPU", "matmul", 6.0, 1.0),
    ]
    assert sorted(named, key=order.__getitem__) == sorted(named)
    assert {e["pid"] for e in trace["traceEvents"]} == {1}


def by_thread(timeline):
    """Return for each thread of the trace its name and its events as (start, end), in nanoseconds as a viewer reads."""
    events = timeline.to_chrome_trace()["traceEvents"]
    threads = {e["tid"]: (e["args"]["name"], []) for e in events if e["name"] == "thread_name" and e["ph"] == "M"}
    for e in events:
        if e["ph"] == "X":
            start_ns = round(e["ts"] * 1000)
            threads[e["tid"]][1].append((start_ns, start_ns + round(e["dur"] * 1000)))
    return list(threads.values())


@many
@given(st.one_of(timelines_at(any_time), timelines_at(st.integers(0, 40).map(lambda n: n / 3))))
def test_no_event_overlaps_another_halfway_on_its_thread_for_perfetto_would_drop_it(timeline):
    threads = by_thread(timeline)
    assert sum(len(events) for _, events in threads) == len(timeline.spans)
    for _, events in threads:
        for (_, end), (later, later_end) in combinations(sorted(events, key=lambda one: (one[0], -one[1])), 2):
            assert later >= end or later_end <= end


def test_spans_without_a_gap_share_one_thread_though_their_times_are_no_whole_nanoseconds():
    ends = [n / 3 + n * n / 7 for n in range(400)]
    timeline = Timeline([Span("CPU", "launch", left, right) for left, right in pairwise(ends)])
    assert [(name, len(events)) for name, events in by_thread(timeline)] == [("CPU", 399)]


def test_kernels_of_one_lane_that_overlap_get_a_second_thread_of_its_name_next_to_the_first():
    timeline = Timeline(
        [Span("GPU", "a", 1, 9), Span("GPU", "b", 5, 12), Span("CPU", "x", 0, 4), Span("GPU", "c", 9, 13)]
    )
    assert by_thread(timeline) == [
        ("GPU", [(1_000, 9_000), (9_000, 13_000)]),
        ("GPU", [(5_000, 12_000)]),
        ("CPU", [(0, 4_000)]),
    ]


def test_a_trace_of_another_tool_gives_its_complete_events_on_named_threads():
    trace = {
        "traceEvents": [
            {"ph": "X", "pid": 3, "tid": 7, "name": "aten::mm", "ts": 10.0, "dur": 4.0, "args": {"shape": "[2, 3]"}},
            {"ph": "X", "pid": 4, "tid": 7, "name": "gemm", "ts": 12.0, "dur": 5.0},
            {"ph": "M", "pid": 4, "tid": 7, "name": "thread_name", "args": {"name": "stream 7"}},
            {"ph": "i", "pid": 3, "tid": 7, "name": "an instant", "ts": 11.0},
        ]
    }
    expected = [Span("7", "aten::mm", 10.0, 14.0), Span("stream 7", "gemm", 12.0, 17.0)]
    assert Timeline.from_chrome_trace(trace).spans == tuple(expected)


@pytest.mark.parametrize("trace", [{}, {"traceEvents": "none"}, [], None])
def test_what_is_no_trace_is_refused_with_what_a_trace_is(trace):
    with pytest.raises(ValueError, match=r'no Chrome trace.*"traceEvents"'):
        Timeline.from_chrome_trace(trace)


@pytest.mark.parametrize(("start", "end"), [(3.0, 2.5), (0.0, math.inf), (math.nan, 1.0)])
def test_a_span_that_runs_backwards_or_for_ever_is_refused_with_its_numbers(start, end):
    with pytest.raises(ValueError, match=f"'k'.*'GPU'.*{start}.*{end}"):
        Span("GPU", "k", start, end)
