"""The verdict on programs whose trouble is known, what must not change it, and wrong rules that are caught."""

from __future__ import annotations

import math
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.diagnosis import Shares, Verdict, diagnose_trace
from mini_lib.diagnosis.calls import read
from mini_lib.diagnosis.verdict import HELD_UP_MATTERS, judge
from mini_lib.timing import Kernel, LaunchQueue, Span, Timeline
from tests.diagnosis.programs import KNOWN, copying, eager, graph, loop, moved, with_prologue

PROGRAMS = pytest.mark.parametrize("name", KNOWN)


@PROGRAMS
def test_the_verdict_on_a_program_whose_trouble_is_known(name):
    timeline, verdict = KNOWN[name]
    assert diagnose_trace(timeline).verdict.value == verdict


@PROGRAMS
@pytest.mark.parametrize("times", [1 / 3, 3.0, 1000.0])
def test_a_program_that_is_slower_in_all_it_does_has_the_same_trouble(name, times):
    timeline, verdict = KNOWN[name]
    slower = diagnose_trace(moved(timeline, times=times))
    assert slower.verdict.value == verdict
    assert slower.shares == pytest.approx(diagnose_trace(timeline).shares, abs=1e-9)


@PROGRAMS
def test_a_long_beginning_without_the_gpu_changes_nothing(name):
    timeline, _ = KNOWN[name]
    assert diagnose_trace(with_prologue(timeline, 1e6)).shares == pytest.approx(diagnose_trace(timeline).shares)


@PROGRAMS
def test_the_order_of_the_spans_in_the_file_changes_nothing(name):
    timeline, _ = KNOWN[name]
    assert diagnose_trace(Timeline(reversed(timeline.spans))).shares == diagnose_trace(timeline).shares


def test_a_slow_first_step_is_warm_up_and_a_slow_one_in_the_middle_is_not():
    steps = [LaunchQueue(), LaunchQueue()]
    for queue, slow in zip(steps, (0, 5), strict=True):
        for number in range(10):
            queue.host("compile", 50_000.0 if number in (slow, slow + 1) else 20.0)
            graph()(queue)
    first, middle = (diagnose_trace(queue.timeline()) for queue in steps)
    assert first.steady.num_dropped == 2 and "2 stretches at the beginning" in str(first)
    assert first.shares.busy > 0.5 and middle.shares.busy < 0.1


def test_bubbles_after_waits_grow_into_the_verdict_at_the_line():
    verdicts = []
    for prepare_us in range(0, 80, 2):
        found = diagnose_trace(loop(graph(prepare_us=float(prepare_us))))
        verdicts.append(found.verdict)
        assert (found.verdict is Verdict.SYNC_BOUND) == (found.shares.held_up >= HELD_UP_MATTERS)
    assert verdicts == sorted(verdicts, key=[Verdict.GPU_BOUND, Verdict.SYNC_BOUND].index)
    assert len(set(verdicts)) == 2


def test_kernels_that_grow_end_the_launch_bound_regime_where_a_launch_is_as_long_as_a_kernel_and_its_gap():
    assert diagnose_trace(loop(eager(num_kernels=200, kernel_us=5.0))).verdict is Verdict.LAUNCH_BOUND
    assert diagnose_trace(loop(eager(num_kernels=200, kernel_us=6.6))).verdict is Verdict.GPU_BOUND


def test_a_close_call_names_both():
    found = diagnose_trace(loop(eager(num_kernels=9, kernel_us=3.0, prepare_us=38.0)))
    assert found.verdict is Verdict.LAUNCH_BOUND
    assert abs(found.shares.launching - found.shares.waiting) < 0.05, "the data of this test"
    assert "launch-bound" in str(found) and "nearly as much sync-bound" in str(found)


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(lambda parts: sum(parts) > 0.1))
def test_every_division_of_the_time_has_one_verdict(parts):
    shares = Shares(*(part / sum(parts) for part in parts))
    assert (judge(shares) is Verdict.GPU_BOUND) <= (shares.held_up < HELD_UP_MATTERS)
    assert judge(shares) is not Verdict.UNKNOWN


ACTIONS = st.one_of(
    st.tuples(st.just("launch"), st.floats(0.5, 60)),
    st.tuples(st.just("graph"), st.floats(0.5, 60)),
    st.tuples(st.just("copy"), st.floats(0.5, 60)),
    st.tuples(st.just("side"), st.floats(0.5, 60)),
    st.tuples(st.just("host"), st.floats(0, 300)),
    st.tuples(st.just("synchronize"), st.just(0.0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=30))
def test_shares_sum_to_one_and_agree_with_the_timeline_whatever_the_program_does(actions):
    queue = LaunchQueue()
    for what, us in actions:
        match what:
            case "launch":
                queue.launch(Kernel("matmul", us))
            case "graph":
                queue.launch_graph("g", [Kernel("matmul", us / 2)] * 3)
            case "copy":
                queue.copy("rows", us)
            case "side":
                queue.launch(Kernel("matmul", us), stream="GPU side")
            case "host":
                queue.host("work", us)
            case "synchronize":
                queue.synchronize()
    found = diagnose_trace(queue.timeline())
    if found.shares is None:
        assert found.verdict is Verdict.UNKNOWN and len(read(queue.timeline()).works) < 5
        return
    assert math.isclose(sum(found.shares), 1.0) and min(found.shares) >= -1e-12
    lanes = [s for s in queue.timeline().spans if s.lane != "CPU" and s.end_us > found.steady.start_us]
    window = [Span("GPU", s.name, max(s.start_us, found.steady.start_us), min(s.end_us, found.steady.end_us))
              for s in lanes if s.start_us < found.steady.end_us]  # fmt: skip
    busy_us = Timeline(window).busy_us("GPU")
    assert found.shares.busy * (found.steady.end_us - found.steady.start_us) == pytest.approx(busy_us, abs=1e-6)


def counts_launches(timeline):
    reading = read(timeline)
    return "launch-bound" if len(reading.launches) > 20 else diagnose_trace(timeline).verdict.value


def compares_means(timeline):
    reading = read(timeline)
    call_us = mean(call.end_us - call.start_us for call in reading.launches)
    kernel_us = mean(work.end_us - work.start_us for work in reading.works)
    return "launch-bound" if call_us > kernel_us else "GPU-bound"


def looks_at_idle_time_alone(timeline):
    return "launch-bound" if timeline.idle_share("GPU") > HELD_UP_MATTERS else "GPU-bound"


def takes_copies_for_computing(timeline):
    return "GPU-bound" if timeline.idle_share("GPU") < HELD_UP_MATTERS else diagnose_trace(timeline).verdict.value


def takes_all_gaps_for_the_cpus(timeline):
    found = diagnose_trace(timeline)
    gone = found.shares._replace(launching=found.shares.launching + found.shares.between, between=0.0)
    return judge(gone).value


def takes_waits_for_launches(timeline):
    shares = diagnose_trace(timeline).shares
    return judge(shares._replace(launching=shares.launching + shares.waiting, waiting=0.0)).value


def keeps_the_beginning(timeline):
    late = with_prologue(timeline, 1e6)
    return "idle" if late.idle_share("GPU") > 0.5 else diagnose_trace(timeline).verdict.value


WRONG = [counts_launches, compares_means, looks_at_idle_time_alone, takes_copies_for_computing,
         takes_all_gaps_for_the_cpus, takes_waits_for_launches, keeps_the_beginning]  # fmt: skip


@pytest.mark.parametrize("rule", WRONG, ids=lambda rule: rule.__name__)
def test_a_wrong_rule_is_caught_by_the_known_programs(rule):
    assert [name for name, (timeline, verdict) in KNOWN.items() if rule(timeline) != verdict]


@pytest.mark.parametrize(
    ("timeline", "why"),
    [
        (Timeline([Span("CPU", "aten::mm", 0.0, 5.0)]), "no work of a GPU"),
        (loop(eager(num_kernels=2), steps=2), "holds 4 kernels and copies"),
        (Timeline(s for s in loop(eager()).spans if s.lane == "GPU"), "holds no launch"),
        (Timeline([]), "no work of a GPU"),
    ],
)
def test_a_trace_that_cannot_tell_says_why(timeline, why):
    found = diagnose_trace(timeline)
    assert found.verdict is Verdict.UNKNOWN and why in found.sentence and why in str(found)
    with pytest.raises(ValueError, match="timed"):
        found.picture()


def test_the_picture_shows_a_typical_stretch_on_two_lanes():
    found = diagnose_trace(loop(eager()))
    shown = found.typical_stretch()
    assert set(shown.lanes) == {"CPU", "GPU"}
    assert found.steady.start_us < shown.start_us and shown.end_us <= found.steady.end_us
    assert len(shown.lane("GPU")) == 40
    assert found.picture().png().startswith(b"\x89PNG")


def test_copies_beside_kernels_count_as_computing():
    queue = LaunchQueue()
    for _ in range(6):
        queue.copy("next rows", 100.0, stream="GPU copies")
        queue.launch(Kernel("matmul", 120.0))
    assert diagnose_trace(queue.timeline()).shares.copying < 0.05 < diagnose_trace(loop(copying)).shares.copying


def test_work_that_starts_before_its_launch_call_returns_was_not_there_before():
    # One call launches a copy and a kernel, so nothing can be paired; the copy starts while the call lasts.
    spans = []
    for step in range(6):
        at_us = 1000.0 * step
        spans += [
            Span("CPU", f"launch {step}", at_us, at_us + 100.0),
            Span("CPU", f"wait {step}", at_us + 100, at_us + 500),
        ]
        spans += [Span("GPU", "copy rows", at_us + 50.0, at_us + 60.0), Span("GPU", "compute", at_us + 60, at_us + 490)]
    found = diagnose_trace(Timeline(spans))
    assert found.verdict is Verdict.SYNC_BOUND and found.shares.between == 0.0
