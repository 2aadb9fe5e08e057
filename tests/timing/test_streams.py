"""Several streams, events and copies: against a second simulation, and one sentence at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.timing import Kernel, LaunchCosts, LaunchQueue

many = settings(max_examples=200, deadline=None)
# Eighths of a microsecond: sums of them are exact in floating point, so that equality may be asked for.
eighths = st.integers(0, 400).map(lambda n: n / 8)
costs_of_any_kind = st.builds(
    LaunchCosts, eighths, eighths, eighths, eighths, eighths, eighths, eighths, queue_depth=st.integers(1, 5)
)
STREAMS = ("GPU", "GPU prefill", "GPU copies")
streams = st.sampled_from(STREAMS)
actions = st.one_of(
    st.tuples(st.just("host"), eighths),
    st.tuples(st.just("launch"), streams, eighths),
    st.tuples(st.just("graph"), streams, st.lists(eighths, min_size=1, max_size=4)),
    st.tuples(st.just("copy"), streams, eighths),
    st.tuples(st.just("record"), streams),
    st.tuples(st.just("wait"), streams),  # for the event recorded last
    st.tuples(st.just("synchronize"), st.sampled_from([None, "event", *STREAMS])),
)
programs = st.lists(actions, max_size=30)
NAMED = LaunchCosts(7.0, 3.0, 0.125, 1.0, 0.5, 2.0, 5.0)  # all different, all exact


def run(program, costs):
    queue, event = LaunchQueue(costs), None
    for verb, *what in program:
        if verb == "host":
            queue.host("host", *what)
        elif verb == "launch":
            queue.launch(Kernel("k", what[1]), stream=what[0])
        elif verb == "graph":
            queue.launch_graph("graph", [Kernel("k", us) for us in what[1]], stream=what[0])
        elif verb == "copy":
            queue.copy("c", what[1], stream=what[0])
        elif verb == "record":
            event = queue.record_event(*what)
        elif verb == "wait" and event:
            queue.wait_event(event, *what)
        elif verb == "synchronize" and (what[0] != "event" or event):
            queue.synchronize(event if what[0] == "event" else what[0])
    return queue


def worked_out(program, costs):
    """Work the program out again: each piece of work holds a list of what it waits for, and starts after all of it."""
    now, event, works = 0.0, None, []  # a work: (stream, start, end, ends its launch, is a copy)
    waits = {stream: [] for stream in STREAMS}

    def ends(stream=None):
        return [end for one, _, end, _, _ in works if stream in (None, one)]

    for verb, *what in program:
        if verb == "host":
            now += what[0]
        elif verb == "record":
            event = max([now, *ends(what[0]), *waits[what[0]]])
        elif verb == "wait" and event is not None:
            waits[what[0]].append(event)
        elif verb == "synchronize" and (what[0] != "event" or event is not None):
            held = [event] if what[0] == "event" else ends(what[0])
            held += [us for stream in STREAMS if what[0] in (None, stream) for us in waits[stream]]
            now = max([now, *held]) + costs.sync_us
        elif verb in ("launch", "graph", "copy"):
            stream, times = what[0], what[1] if verb == "graph" else [what[1]]
            unfinished = sorted(end for _, _, end, is_last, _ in works if is_last and end > now)
            if len(unfinished) >= costs.queue_depth:
                now = unfinished[len(unfinished) - costs.queue_depth]
            now += costs.graph_launch_us + len(times) * costs.graph_node_us if verb == "graph" else costs.launch_us
            for place, us in enumerate(times):
                gap = costs.graph_gap_us if place else costs.gap_us
                after = [now + costs.latency_us, *waits[stream], *(end + gap for end in ends(stream))]
                after += [end for _, _, end, _, is_copy in works if is_copy and verb == "copy"]
                works.append((stream, max(after), max(after) + us, place == len(times) - 1, verb == "copy"))
    return now, [work[:3] for work in works]


@many
@given(programs, costs_of_any_kind)
def test_any_program_takes_the_times_that_the_rule_gives_when_worked_out_again(program, costs):
    queue = run(program, costs)
    now, works = worked_out(program, costs)
    assert [(s.lane, s.start_us, s.end_us) for s in queue.timeline().spans if s.lane != "CPU"] == works
    assert queue.now_us == now


def test_kernels_of_two_streams_run_at_the_same_time():
    queue = run([("launch", "GPU", 90.0), ("launch", "GPU prefill", 90.0)], NAMED)
    decode, prefill = (queue.timeline().lane(stream)[0] for stream in ("GPU", "GPU prefill"))
    assert (decode.start_us, prefill.start_us) == (7.0 + 2.0, 14.0 + 2.0)
    assert prefill.start_us < decode.end_us


def test_a_stream_waits_for_what_was_launched_before_the_event_and_for_nothing_launched_after_it():
    queue = LaunchQueue(NAMED)
    queue.launch(Kernel("before", 40.0), stream="GPU prefill")
    event = queue.record_event("GPU prefill")
    queue.launch(Kernel("after", 700.0), stream="GPU prefill")
    queue.wait_event(event)
    queue.launch(Kernel("held", 3.0))
    before, after = queue.timeline().lane("GPU prefill")
    assert queue.timeline().lane("GPU")[0].start_us == before.end_us == 49.0 < after.end_us


def test_a_wait_holds_later_work_alone_and_costs_the_cpu_nothing():
    queue = LaunchQueue(NAMED)
    queue.launch(Kernel("long", 500.0), stream="GPU prefill")
    queue.launch(Kernel("launched before the wait", 3.0))
    queue.wait_event(queue.record_event("GPU prefill"))
    assert queue.now_us == 14.0
    queue.launch(Kernel("launched after it", 3.0))
    assert [span.start_us for span in queue.timeline().lane("GPU")] == [16.0, 509.0]


def test_an_event_behind_a_wait_waits_too_though_nothing_was_launched_in_between():
    queue = LaunchQueue(NAMED)
    queue.launch(Kernel("long", 500.0), stream="GPU prefill")
    queue.wait_event(queue.record_event("GPU prefill"), stream="GPU copies")
    queue.wait_event(queue.record_event("GPU copies"))
    queue.launch(Kernel("held", 3.0))
    assert queue.timeline().lane("GPU")[0].start_us == 509.0


def test_waiting_for_one_stream_does_not_wait_for_the_other():
    program = [("launch", "GPU", 30.0), ("launch", "GPU prefill", 900.0)]
    assert run([*program, ("synchronize", "GPU")], NAMED).now_us == 39.0 + 5.0
    assert run([*program, ("synchronize", "GPU prefill")], NAMED).now_us == 16.0 + 900.0 + 5.0
    assert run([*program, ("synchronize", None)], NAMED).now_us == 16.0 + 900.0 + 5.0


def test_waiting_for_an_event_does_not_wait_for_what_came_after_it():
    program = [("launch", "GPU", 30.0), ("record", "GPU"), ("launch", "GPU", 900.0), ("synchronize", "event")]
    assert run(program, NAMED).now_us == 39.0 + 5.0


def test_an_event_on_an_empty_stream_has_passed():
    queue = LaunchQueue(NAMED)
    queue.host("schedule", 11.0)
    queue.synchronize(queue.record_event("GPU never used"))
    assert queue.now_us == 11.0 + 5.0


def test_copies_of_two_streams_share_one_engine_and_kernels_run_beside_them():
    queue = LaunchQueue(NAMED)
    queue.copy("weights", 100.0, stream="GPU copies")
    queue.copy("tokens", 3.0, stream="GPU results")
    queue.launch(Kernel("matmul", 60.0))
    by_name = {span.name: span for span in queue.timeline().spans}
    assert (by_name["copy weights"].lane, by_name["copy tokens"].lane) == ("GPU copies", "GPU results")
    assert by_name["copy tokens"].start_us == by_name["copy weights"].end_us == 109.0
    assert by_name["matmul"].start_us == 21.0 + 2.0


def test_a_copy_keeps_its_place_in_its_stream():
    program = [("launch", "GPU", 90.0), ("copy", "GPU", 4.0), ("launch", "GPU", 8.0)]
    spans = run(program, NAMED).timeline().lane("GPU")
    assert [(span.name, span.start_us) for span in spans] == [("k", 9.0), ("copy c", 100.0), ("k", 105.0)]


def test_launches_on_all_streams_share_the_places_of_one_queue():
    program = [("launch", "GPU", 800.0), ("launch", "GPU prefill", 20.0), ("launch", "GPU prefill", 20.0)]
    launches = run(program, replace(NAMED, queue_depth=2)).timeline().lane("CPU")
    assert [span.start_us for span in launches] == [0.0, 7.0, 16.0 + 20.0]  # the shorter one makes room


def test_no_stream_has_the_name_of_the_cpus_lane():
    for call in (lambda queue: queue.launch(Kernel("k", 1.5), stream="CPU"), lambda queue: queue.record_event("CPU")):
        with pytest.raises(ValueError, match="'CPU' is the lane of the CPU"):
            call(LaunchQueue())
