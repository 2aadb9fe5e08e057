"""`lazy` shows the classic mistakes, every time; the properties are D1, D4, D5, D6 and D10 of the course's list."""

from __future__ import annotations

import pytest
import torch

from mini_lib.graphs.policies import DeviceWorkError
from tests.graphs import pipeline
from tests.graphs.pipeline import NUM_STEPS, new_policy


def lazy_tokens(mistake="", num_sets=1, run_ahead=()):
    with new_policy("lazy", run_ahead=run_ahead) as policy:
        return pipeline.run(policy, mistake, num_sets)


@pytest.mark.parametrize("mistake", ["no_wait_sched", "no_copy_sync", "no_war", "no_staging_guard"])
def test_lazy_catches_what_inline_hides(mistake):
    with new_policy("inline") as policy:
        assert pipeline.run(policy, mistake) == pipeline.expected() or mistake == "no_copy_sync"
    runs = [lazy_tokens(mistake) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2] != pipeline.expected()


@pytest.mark.parametrize("mistake", ["no_wait_sched", "no_copy_sync", "no_staging_guard"])
def test_two_staging_sets_do_not_hide_a_missing_wait(mistake):
    assert lazy_tokens(mistake, num_sets=2) != pipeline.expected()


@pytest.mark.parametrize("num_sets", [1, 2])
@pytest.mark.parametrize("run_ahead", [(), ("schedule",), ("forward",), ("schedule", "forward")])
def test_a_program_that_waits_where_it_must_is_right_whichever_stream_runs_ahead(run_ahead, num_sets):
    assert lazy_tokens("", num_sets, run_ahead) == pipeline.expected()


def test_a_copy_that_runs_ahead_overwrites_what_the_step_still_reads():
    assert lazy_tokens("no_war", num_sets=2) == pipeline.expected()  # nobody waits for that copy: it is late, and right
    assert lazy_tokens("no_war", num_sets=2, run_ahead=("schedule",)) != pipeline.expected()


def test_waiting_for_one_step_does_not_run_the_next():
    seen: list[int] = []
    with new_policy("lazy") as policy:
        pipeline.run(policy, num_sets=2, seen=seen)
    assert seen == list(range(1, NUM_STEPS + 1))


def test_an_event_that_is_recorded_anew_waits_for_too_much():
    seen: list[int] = []
    with new_policy("lazy") as policy:
        tokens = pipeline.run(policy, "event_reuse", num_sets=2, seen=seen)
    assert tokens == pipeline.expected()  # right, and slow: the CPU waits for the step that it should overlap with
    assert seen == [*range(2, NUM_STEPS + 1), NUM_STEPS]


def test_waiting_for_a_moved_event_deadlocks_where_the_next_step_waits_for_us():
    """The gate of step 1 opens when step 0 is processed, as in the course's liveness test."""
    with new_policy("lazy") as policy:
        gate = policy.host_tensor((1,), torch.int64)

        @policy.kernel
        def step(number):
            if gate.item() < number:
                raise RuntimeError(f"deadlock: step {number} waits for the CPU, and the CPU waits for it")

        stream = policy.stream("forward")
        policy.start()
        stream.launch(step, 0)
        event = stream.record_event()
        stream.launch(step, 1)
        second = stream.record_event()
        event.synchronize()
        gate.fill_(1)
        second.synchronize()
        stream.launch(step, 1)
        stream.record_event(event)
        stream.launch(step, 2)
        stream.record_event(event)
        with pytest.raises(DeviceWorkError, match="deadlock: step 2"):
            event.synchronize()


def test_an_edge_is_made_to_the_event_as_it_was_then():
    ran: list[str] = []
    with new_policy("lazy") as policy:
        note = policy.kernel(ran.append)
        first, second = policy.stream("first"), policy.stream("second")
        policy.start()
        first.launch(note, "a")
        event = first.record_event()
        second.wait_event(event)
        first.launch(note, "b")
        first.record_event(event)
        second.launch(note, "c")
        second.record_event().synchronize()
        assert ran == ["a", "c"]
        event.synchronize()
        assert ran == ["a", "c", "b"]


def test_nothing_runs_until_somebody_waits_and_then_only_what_an_edge_demands():
    ran: list[str] = []
    with new_policy("lazy") as policy:
        note = policy.kernel(ran.append)
        streams = {name: policy.stream(name) for name in "xyz"}
        policy.start()
        for name in ("x1", "y1", "z1", "x2"):
            streams[name[0]].launch(note, name)
        assert ran == []
        streams["y"].record_event().synchronize()
        assert ran == ["y1"]
        streams["y"].wait_event(streams["z"].record_event())
        streams["x"].wait_event(streams["y"].record_event())
        streams["x"].launch(note, "x3")
        streams["x"].record_event().synchronize()
        assert ran == ["y1", "x1", "x2", "z1", "x3"]


def test_a_long_chain_of_edges_needs_no_deep_stack():
    ran: list[int] = []
    with new_policy("lazy") as policy:
        note = policy.kernel(ran.append)
        streams = [policy.stream("even"), policy.stream("odd")]
        policy.start()
        for number in range(5000):
            stream, other = streams[number % 2], streams[1 - number % 2]
            stream.wait_event(other.record_event())
            stream.launch(note, number)
        stream.record_event().synchronize()
    assert ran == list(range(5000))


def test_synchronize_empties_every_stream_and_a_query_alone_runs_nothing():
    ran: list[str] = []
    with new_policy("lazy") as policy:
        note = policy.kernel(ran.append)
        first, second = policy.stream("first"), policy.stream("second")
        policy.start()
        first.launch(note, "a")
        second.launch(note, "b")
        assert not first.record_event().query()
        assert not second.record_event().query()
        assert ran == []
        policy.synchronize()
        assert sorted(ran) == ["a", "b"]
        assert first.record_event().query()


def test_what_nobody_waited_for_never_runs():
    ran: list[str] = []
    with new_policy("lazy") as policy:
        note, stream = policy.kernel(ran.append), policy.stream("forward")
        policy.start()
        stream.launch(note, "a")
    assert ran == []
