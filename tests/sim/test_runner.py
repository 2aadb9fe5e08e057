"""When steps are over: the closed form of the simulated GPU against the launch queue, also where that is full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mini_lib.config import ModelConfig
from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode
from mini_lib.scheduling import FAMILIES, WorkloadRequest
from mini_lib.scheduling.batch import ScheduledRequest, SchedulerOutput
from mini_lib.sim import PROFILES
from mini_lib.sim.runner import SimRunner
from mini_lib.sim.runner_device import COPIES_PER_STEP, COPY_STREAM, Copies, SimDevice
from mini_lib.sim.sim_clock import SimClock
from mini_lib.sim.simulate import simulate
from mini_lib.timing import GPU, LaunchQueue
from mini_lib.timing.streams import Event
from tests.sim.pricing_by_playing import COSTS, PROFILE, PlayingPricer

LOOPS = ["normal", "overlap"]
TINY = ModelConfig.tiny()
ROUNDING_US = 1e-6  # the queue adds up launch by launch, the closed form once


def with_costs(**costs):
    changed = replace(COSTS, **costs)
    return PROFILE.with_values(launch=changed), PlayingPricer(changed)


QUICK, QUICK_PRICER = with_costs(queue_depth=1, launch_us=0.0, graph_launch_us=0.0, latency_us=0.0, sync_us=0.0)
PROFILES_OF_TESTS = {
    "launch-bound": with_costs(launch_us=15.0),
    "GPU-bound": with_costs(launch_us=0.5, graph_launch_us=0.5),
    "slow copies": (PROFILE.with_values(kernel_us=40.0), PlayingPricer(COSTS)),
    "busy CPU": (PROFILE.with_values(step_us=400.0), PlayingPricer(COSTS)),
    # 8 kernels and 7 copies are launched for an eager step, so that the queue holds one and a half of them, or a half.
    "queue of 24": with_costs(launch_us=0.5, queue_depth=24),
    "queue of 9": with_costs(launch_us=0.5, queue_depth=9),
    "queue of 1": with_costs(queue_depth=1),
    "queue of 1, and a CPU that takes no time": (QUICK.with_values(step_us=0.0, request_us=0.0), QUICK_PRICER),
}


def token_times(workload, profile, pricer, loop, mode, timeline):
    result = simulate(workload, TINY, profile, mode=mode, loop=loop, pricer=pricer, timeline=timeline)
    return [time_us for _, time_us in result.emissions.tokens()], result


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", PROFILES_OF_TESTS)
def test_the_closed_form_gives_the_times_of_the_launch_queue(name, loop):
    profile, pricer = PROFILES_OF_TESTS[name]
    for family in FAMILIES.values():
        for mode in (CUDAGraphMode.NONE, CUDAGraphMode.FULL_AND_PIECEWISE):
            workload = family(2)
            closed, short = token_times(workload, profile, pricer, loop, mode, None)
            played, long = token_times(workload, profile, pricer, loop, mode, "kernels")
            assert closed == pytest.approx(played, abs=ROUNDING_US)
            assert short.gpu_us == pytest.approx(long.gpu_us, abs=ROUNDING_US)
            assert long.timeline.busy_us(GPU) == pytest.approx(short.gpu_busy_us)


def test_a_queue_that_is_too_short_makes_the_cpu_wait():
    workload = FAMILIES["gated"](1)
    times = {}
    for depth in (1, 9, 24, 1024):
        profile, pricer = with_costs(launch_us=0.5, queue_depth=depth)
        times[depth], _ = token_times(workload, profile, pricer, "overlap", CUDAGraphMode.NONE, None)
    assert times[1][-1] > times[9][-1] > times[24][-1] >= times[1024][-1]


@pytest.mark.parametrize(("gpu_free_us", "copies_free_us"), [(0.0, 0.0), (200.0, 0.0), (13.0, 190.0), (150.0, 155.0)])
def test_copies_follow_one_another_on_their_own_stream(gpu_free_us, copies_free_us):
    queue = LaunchQueue(COSTS)
    queue.wait_event(Event(COPY_STREAM, copies_free_us + COSTS.gap_us), COPY_STREAM)
    queue.now_us = 100.0
    queue.wait_event(Event(GPU, gpu_free_us), COPY_STREAM)
    for _ in range(COPIES_PER_STEP):
        queue.copy("in", PROFILE.kernel_us, COPY_STREAM)
    done_us = Copies(PROFILE).done_us(100.0, gpu_free_us, copies_free_us)
    assert done_us == pytest.approx(queue.record_event(COPY_STREAM).done_us)


def test_the_copies_of_a_step_wait_for_the_step_before_and_the_step_waits_for_its_copies():
    requests = [WorkloadRequest((1, 2, 3), 6)]
    _, result = token_times(requests, PROFILE, PlayingPricer(COSTS, kernel_us=90.0), "overlap", CUDAGraphMode.NONE,
                            "steps")  # fmt: skip
    steps, copies = result.timeline.lane(GPU), result.timeline.lane(COPY_STREAM)
    assert len(steps) == len(copies) == 6
    for step, copy in zip(steps, copies, strict=True):
        assert step.start_us >= copy.end_us
    for step, copy in zip(steps, copies[1:], strict=False):
        assert copy.start_us >= step.end_us


def test_waiting_moves_the_clock_to_the_end_of_the_step_and_hands_out_its_tokens():

    clock = SimClock()
    device = SimDevice(PlayingPricer(COSTS), PROFILE, clock)
    dispatcher = CudagraphDispatcher(CUDAGraphMode.FULL, [2, 4], max_num_seqs=4)
    runner = SimRunner(device, dispatcher, clock, token_at=lambda request, position: 100 * request + position)
    one = ScheduledRequest(3, 1, 5, (7, 8), (1,), True)
    output = runner.execute_model(SchedulerOutput(0, (one, one._replace(request_id=4)), False))
    launched_us = clock.us
    assert output.wait() == [307, 407]
    assert clock.us == output.done_us + COSTS.sync_us > launched_us
    assert (runner.num_tokens, runner.padded_tokens, runner.steps_by_mode) == (4, 0, {CUDAGraphMode.FULL: 1})


def test_a_style_with_more_kernels_than_the_queue_holds_is_played():
    requests = [WorkloadRequest((1, 2, 3), 3)] * 2
    profile = PROFILES["H200"]
    for loop in LOOPS:
        closed, played = (
            simulate(requests, ModelConfig.llama_3_8b(), profile, mode=CUDAGraphMode.NONE, style="naive", loop=loop,
                     timeline=timeline) for timeline in (None, "kernels")
        )  # fmt: skip
        times = [[time_us for _, time_us in result.emissions.tokens()] for result in (closed, played)]
        assert times[0] == pytest.approx(times[1], abs=ROUNDING_US)
