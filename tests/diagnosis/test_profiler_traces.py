"""The verdict on traces in torch.profiler's format, where Python between two ops leaves no span."""

from __future__ import annotations

import pytest

from mini_lib.diagnosis import Verdict, diagnose_trace
from mini_lib.timing import profiler_trace
from tests.diagnosis.profiles import copies, in_a_row, profile_of
from tests.timing.profiled import ZERO_US, event, on_gpu, trace


def diagnosed(trace):
    return diagnose_trace(profiler_trace.to_timeline(trace), profiler_trace.launched_by(trace))


@pytest.mark.parametrize("skew_us", [0.0, 1.5])
def test_dispatch_between_calls_counts_as_launching(skew_us):
    found = diagnosed(profile_of(8, 50, 3.0, skew_us=skew_us))
    assert found.verdict is Verdict.LAUNCH_BOUND
    assert found.shares.launching == pytest.approx(1 - found.shares.busy - found.shares.waiting, abs=0.01)
    assert found.shares.launching > 0.6


def test_kernels_that_wait_in_the_queue_make_it_gpu_bound():
    found = diagnosed(profile_of(8, 50, 14.0))
    assert found.verdict is Verdict.GPU_BOUND and found.shares.between > 0.05


def test_python_after_a_read_back_makes_it_sync_bound():
    found = diagnosed(profile_of(20, 3, 60.0, think_us=200.0))
    assert found.verdict is Verdict.SYNC_BOUND
    assert found.gains.of("overlap").speedup > 1.4


def test_pageable_copies_make_it_copy_bound():
    assert diagnosed(copies(8)).verdict is Verdict.COPY_BOUND


def test_a_trace_without_a_wait_is_one_stretch():
    found = diagnosed(profile_of(6, 40, 3.0, item=False))
    assert found.verdict is Verdict.LAUNCH_BOUND and found.steady.num_stretches == 1


def test_a_trace_that_begins_in_mid_air_is_paired_from_its_end():
    whole = profiler_trace.to_timeline(profile_of(1, 50, 14.0, item=False))
    calls = [span for span in whole.spans if span.name == "cudaLaunchKernel"][:9]
    begun = type(whole)(span for span in whole.spans if span not in calls)
    found = diagnose_trace(begun)
    assert found.verdict is Verdict.GPU_BOUND and found.gains.costs.gap_us == pytest.approx(1.0)


def test_graphs_take_the_dispatch_away_with_the_calls():
    found = diagnosed(profile_of(8, 50, 3.0))
    step_us = 50 * 3.0 + 49 * 0.7 + 2.5 + 0.05 + 30.0 + 2.0 + 6.0 + 1.5 + 7.0
    gain = found.gains.of("CUDA graphs")
    assert gain.then_us / found.steady.num_stretches == pytest.approx(step_us, rel=0.05)


def test_the_programs_of_profiles_play_as_they_were():
    for profile in (profile_of(8, 50, 3.0), profile_of(8, 50, 14.0), profile_of(20, 3, 25.0, think_us=200.0)):
        assert abs(diagnosed(profile).gains.model_error) < 0.05


def graphs_of_two_sizes(steps=6, *, with_ids=True):
    """Each step launches a graph of 3 kernels and one of 30, and waits. Counting alone cannot tell which is which."""
    events, now_us = [], 100.0
    for step in range(steps):
        for place, size in enumerate((3, 30)):
            number = {"correlation": 1 + 2 * step + place} if with_ids else {}
            events.append(event("cuda_runtime", "cudaGraphLaunch", now_us + 10 * place, 6.0, **number))
            events += in_a_row(now_us + 12 + 40 * place, [4.0] * size, gap_us=0.5, **number)
        events.append(event("cuda_runtime", "cudaStreamSynchronize", now_us + 20.0, 180.0))
        now_us += 320.0
    return trace(*events)


def test_graphs_of_different_sizes_are_told_apart_by_their_ids():
    assert diagnosed(graphs_of_two_sizes(with_ids=False)).gains.why_bounds.startswith("it is not clear")
    found = diagnosed(graphs_of_two_sizes())
    assert not found.gains.why_bounds and abs(found.gains.model_error) < 0.05
    assert found.graph_share == 1.0


def test_who_has_graphs_already_is_not_told_to_capture():
    events = []
    for step in range(8):
        number = {"correlation": 1 + step}
        events.append(event("cuda_runtime", "cudaGraphLaunch", 100.0 * step, 70.0, **number))
        events += in_a_row(100.0 * step + 72.0, [4.0] * 5, gap_us=0.5, **number)
    found = diagnosed(trace(*events))
    assert found.verdict is Verdict.LAUNCH_BOUND and "Graphs bring most of the work already" in found.advice
    eager = diagnosed(profile_of(8, 50, 3.0))
    assert eager.graph_share == 0.0 and eager.advice.startswith("Capture the step")


def test_a_wait_for_work_that_the_profiler_did_not_see_is_not_blamed_on_launches():
    starts = [10.0 * place for place in range(24)]
    calls = [event("cuda_runtime", "cudaLaunchKernel", at_us, 4.0, correlation=1 + at_us) for at_us in starts]
    seen = [on_gpu("kernel", "gemm", at_us + 6.0, 2.0, correlation=1 + at_us) for at_us in starts[:12]]
    late = [on_gpu("kernel", "gemm", 40_000.0 + at_us, 5.0, correlation=1 + at_us) for at_us in starts[12:]]
    found = diagnosed(trace(*calls, *seen, *late))
    assert found.shares.launching < 0.01 and found.shares.between > 0.99
    assert "launched before the profiler began" in str(found) and "One gap of" in str(found)


def test_a_loop_that_reads_its_results_at_its_end_is_not_judged_by_its_end():
    steps = profile_of(1, 400, 14.0)["traceEvents"]
    ends_us = max(one["ts"] + one.get("dur", 0.0) for one in steps if one.get("cat") == "cuda_runtime")
    reads = []
    for place in range(5):
        start_us = ends_us - ZERO_US + 200.0 + 200.0 * place
        reads.append(event("cuda_runtime", "cudaMemcpyAsync", start_us, 20.0))
        reads.append(on_gpu("gpu_memcpy", "Memcpy DtoH (Device -> Pageable)", start_us + 8.0, 1.5))
    found = diagnosed(trace(*(one for one in steps if one.get("ph") == "X"), *reads))
    assert found.verdict is Verdict.GPU_BOUND and found.steady.num_dropped == 0


def test_a_prefill_behind_small_copies_is_not_let_go_as_the_end_of_the_trace():
    reads = []
    for place in range(5):
        reads.append(event("cuda_runtime", "cudaMemcpyAsync", 200.0 * place, 20.0))
        reads.append(on_gpu("gpu_memcpy", "Memcpy HtoD (Pageable -> Device)", 200.0 * place + 8.0, 1.5))
    launches = [event("cuda_runtime", "cudaLaunchKernel", 1000.0 + 9.0 * place, 4.0) for place in range(100)]
    found = diagnosed(trace(*reads, *launches, *in_a_row(1010.0, [300.0] * 100, gap_us=1.0)))
    assert found.verdict is Verdict.GPU_BOUND and found.shares.computing > 0.9


def test_streams_that_work_side_by_side_get_bounds_and_no_loss_from_graphs():
    launches = [event("cuda_runtime", "cudaLaunchKernel", 9.0 * place, 4.0) for place in range(40)]
    works = [on_gpu("kernel", "gemm", 6.0 + 9.0 * place, 20.0, stream=7 + place % 3) for place in range(40)]
    found = diagnosed(trace(*launches, *works))
    assert found.gains.why_bounds == "streams run side by side"
    assert all(gain.is_bound and gain.speedup >= 1.0 for gain in found.gains.gains)


def test_cpu_work_between_steps_that_nobody_waits_for_does_not_hold_the_graphs_up():
    found = diagnosed(profile_of(20, 40, 30.0, item=False, think_us=700.0))
    assert found.verdict is Verdict.GPU_BOUND
    assert 1.0 <= found.gains.of("CUDA graphs").speedup < 1.1


def test_a_call_that_brought_nothing_is_no_launch():
    events = [
        event("cuda_runtime", "cudaMemsetAsync", 5.0 + 10.0 * place, 1.0, correlation=100 + place) for place in range(9)
    ]
    events += [
        event("cuda_runtime", "cudaLaunchKernel", 10.0 * place, 4.0, correlation=1 + place) for place in range(9)
    ]
    events += [on_gpu("kernel", "gemm", 6.0 + 10.0 * place, 2.0, correlation=1 + place) for place in range(9)]
    found = diagnosed(trace(*events))
    assert found.verdict is Verdict.LAUNCH_BOUND and not found.gains.why_bounds
