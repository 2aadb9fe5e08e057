"""The verdict on traces in torch.profiler's format, where Python between two ops leaves no span."""

from __future__ import annotations

import pytest

from mini_lib.diagnosis import Verdict, diagnose_trace
from mini_lib.timing import profiler_trace
from tests.diagnosis.profiles import copies, profile_of


def diagnosed(trace):
    return diagnose_trace(profiler_trace.to_timeline(trace))


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
    for trace in (profile_of(8, 50, 3.0), profile_of(8, 50, 14.0), profile_of(20, 3, 25.0, think_us=200.0)):
        assert abs(diagnosed(trace).gains.model_error) < 0.05
