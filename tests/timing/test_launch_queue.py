"""The launch queue against its one rule, against closed forms, and against a second simulation of it."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.timing import ASSUMED, Kernel, LaunchCosts, LaunchQueue, decode_step

many = settings(max_examples=200, deadline=None)
# Eighths of a microsecond: sums of them are exact in floating point, so that equality may be asked for.
eighths = st.integers(0, 200).map(lambda n: n / 8)
costs_of_any_kind = st.builds(
    LaunchCosts, eighths, eighths, eighths, eighths, eighths, eighths, eighths, queue_depth=st.integers(1, 5)
)
kernels = st.builds(Kernel, st.sampled_from(["matmul", "norm", "add"]), eighths)
actions = st.one_of(
    st.tuples(st.just("host"), eighths),
    st.tuples(st.just("launch"), kernels),
    st.tuples(st.just("graph"), st.lists(kernels, min_size=1, max_size=5)),
    st.tuples(st.just("synchronize"), st.none()),
)
programs = st.lists(actions, max_size=25)
NAMED = LaunchCosts(7.0, 3.0, 0.125, 1.0, 0.5, 2.0, 5.0)  # all different, all exact


def run(program, costs):
    queue = LaunchQueue(costs)
    for action, what in program:
        if action == "host":
            queue.host("host", what)
        elif action == "launch":
            queue.launch(what)
        elif action == "graph":
            queue.launch_graph("graph", what)
        else:
            queue.synchronize()
    return queue


def worked_out(program, costs):
    """Work the program out again, launch by launch, from the ends of all launches so far."""
    now, stream_tail, ends_of_launches, gpu = 0.0, None, [], []
    for action, what in program:
        if action == "host":
            now += what
        elif action == "synchronize":
            now = max([now, *ends_of_launches]) + costs.sync_us
        else:
            inside = what if action == "graph" else [what]
            if len(ends_of_launches) >= costs.queue_depth:
                now = max(now, ends_of_launches[-costs.queue_depth])
            per_graph = costs.graph_launch_us + len(inside) * costs.graph_node_us
            now += per_graph if action == "graph" else costs.launch_us
            for place, kernel in enumerate(inside):
                gap = costs.graph_gap_us if place else costs.gap_us
                start = (
                    now + costs.latency_us if stream_tail is None else max(stream_tail + gap, now + costs.latency_us)
                )
                stream_tail = start + kernel.gpu_us
                gpu.append((kernel.name, start, stream_tail))
            ends_of_launches.append(stream_tail)
    return now, gpu


@many
@given(programs, costs_of_any_kind)
def test_any_program_takes_the_times_that_the_rule_gives_when_worked_out_again(program, costs):
    queue = run(program, costs)
    now, gpu = worked_out(program, costs)
    assert [(s.name, s.start_us, s.end_us) for s in queue.timeline().spans if s.lane == "GPU"] == gpu
    assert queue.now_us == now


@many
@given(programs, costs_of_any_kind)
def test_each_lane_does_one_thing_at_a_time_and_in_order(program, costs):
    timeline = run(program, costs).timeline()
    for lane in ("CPU", "GPU"):
        spans = [span for span in timeline.spans if span.lane == lane]
        assert all(one.end_us <= other.start_us for one, other in pairwise(spans))


@many
@given(st.lists(kernels, min_size=1, max_size=20), costs_of_any_kind)
def test_never_more_launches_are_pending_than_the_queue_holds(work, costs):
    timeline = run([("launch", kernel) for kernel in work], costs).timeline()
    launches, gpu = timeline.lane("CPU"), timeline.lane("GPU")
    for place, launch in enumerate(launches):
        unfinished = [kernel for kernel in gpu[:place] if kernel.end_us > launch.start_us]
        assert len(unfinished) < costs.queue_depth


@many
@given(st.integers(1, 60), eighths, costs_of_any_kind)
def test_launch_bound_the_time_is_that_of_the_launches_and_one_kernel(n, gpu_us, costs):
    costs = replace(costs, launch_us=gpu_us + costs.gap_us + costs.launch_us, queue_depth=1024)
    queue = run([*[("launch", Kernel("k", gpu_us))] * n, ("synchronize", None)], costs)
    assert queue.now_us == n * costs.launch_us + costs.latency_us + gpu_us + costs.sync_us


@many
@given(st.integers(1, 60), eighths, costs_of_any_kind)
def test_gpu_bound_the_time_is_that_of_the_kernels_and_one_launch(n, extra_us, costs):
    gpu_us, costs = costs.launch_us + extra_us, replace(costs, queue_depth=1024)
    queue = run([*[("launch", Kernel("k", gpu_us))] * n, ("synchronize", None)], costs)
    kernels_us = n * gpu_us + (n - 1) * costs.gap_us
    assert queue.now_us == costs.launch_us + costs.latency_us + kernels_us + costs.sync_us


@many
@given(st.integers(1, 60), eighths, costs_of_any_kind)
def test_a_graph_takes_one_launch_and_then_its_kernels(n, gpu_us, costs):
    queue = run([("graph", [Kernel("k", gpu_us)] * n), ("synchronize", None)], costs)
    launch_us = costs.graph_launch_us + n * costs.graph_node_us
    assert queue.now_us == launch_us + costs.latency_us + n * gpu_us + (n - 1) * costs.graph_gap_us + costs.sync_us


def test_a_full_queue_makes_the_cpu_wait_until_the_oldest_launch_is_done():
    queue = run([("launch", Kernel("long", 100.0))] * 3, replace(NAMED, queue_depth=2))
    launches, gpu = queue.timeline().lane("CPU"), queue.timeline().lane("GPU")
    assert [span.start_us for span in launches] == [0.0, 7.0, gpu[0].end_us]
    assert gpu[0].end_us == 7.0 + 2.0 + 100.0


def test_a_graph_takes_one_place_in_the_queue_whatever_it_holds():
    queue = run([("graph", [Kernel("k", 50.0)] * 30)] * 2, replace(NAMED, queue_depth=2))
    assert [span.name for span in queue.timeline().lane("CPU")] == ["replay graph", "replay graph"]
    assert queue.now_us == 2 * (3.0 + 30 * 0.125)


def test_kernels_after_a_graph_and_before_it_keep_the_distance_of_launches():
    program = [("launch", Kernel("k", 90.0)), ("graph", [Kernel("k", 90.0)] * 2), ("launch", Kernel("k", 90.0))]
    gpu = run(program, NAMED).timeline().lane("GPU")
    assert [right.start_us - left.end_us for left, right in pairwise(gpu)] == [1.0, 0.5, 1.0]


def test_a_launch_returns_long_before_its_kernel_has_run():
    queue = run([("launch", Kernel("k", 900.0))], NAMED)
    assert queue.now_us == 7.0
    assert queue.timeline().end_us == 909.0


def test_synchronize_costs_its_own_time_even_when_nothing_was_launched():
    assert run([("synchronize", None)], NAMED).now_us == 5.0


def test_a_timeline_taken_earlier_does_not_grow():
    queue = run([("launch", Kernel("k", 3.0))], NAMED)
    before = queue.timeline()
    queue.launch(Kernel("k", 3.0))
    assert len(before.spans) == 2
    assert len(queue.timeline().spans) == 4


def test_one_decode_step_runs_the_same_kernels_eagerly_and_from_a_graph():
    step = decode_step(num_kernels=23, kernel_us=2.0, costs=NAMED)
    names = [[span.name for span in timeline.lane("GPU")] for timeline in step]
    assert names[0] == names[1]
    assert names[0][:4] == names[0][10:14] == ["norm", "qkv", "rope", "store kv"]
    assert len(names[0]) == 23
    assert step.eager.duration_us == 20.0 + 23 * 7.0 + 2.0 + 2.0 + 5.0
    assert step.graph.duration_us == 20.0 + 3.0 + 23 * 0.125 + 2.0 + 23 * 2.0 + 22 * 0.5 + 5.0


def test_a_graph_hardly_helps_a_step_of_long_kernels():
    step = decode_step(num_kernels=40, kernel_us=64.0, costs=NAMED)
    assert step.eager.duration_us - step.graph.duration_us == (7.0 - 3.0 - 40 * 0.125) + 39 * (1.0 - 0.5)


def test_the_assumed_constants_say_so_and_hold_a_launch_dearer_than_a_node():
    assert ASSUMED.source == "assumed"
    assert ASSUMED.launch_us > 100 * ASSUMED.graph_node_us
    assert ASSUMED.graph_gap_us < ASSUMED.gap_us


@pytest.mark.parametrize("name", [field.name for field in fields(LaunchCosts) if field.name.endswith("_us")])
@pytest.mark.parametrize("value", [-0.5, float("inf"), float("nan")])
def test_a_cost_that_is_no_time_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        replace(NAMED, **{name: value})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: replace(NAMED, queue_depth=0), "queue_depth is 0"),
        (lambda: Kernel("matmul", -1.0), "kernel 'matmul' takes -1.0 us"),
        (lambda: LaunchQueue().host("schedule", -2.0), "host work 'schedule' takes -2.0 us"),
        (lambda: LaunchQueue().launch_graph("decode", []), "graph 'decode' holds no kernel"),
        (lambda: decode_step(num_kernels=0), "num_kernels is 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_numbers(call, told):
    with pytest.raises(ValueError, match=told):
        call()
