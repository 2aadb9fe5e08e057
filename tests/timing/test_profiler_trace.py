"""What torch.profiler saw, as a timeline: what counts as the CPU's work, what as the GPU's, and what as neither."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from mini_lib.timing import kind_of, profiler_trace, us_by_kind
from tests.timing.profiled import AROUND, BACKWARD, EAGER, ITEM, LOADER, STEP, ZERO_US, event, on_gpu, trace


def rows(*events):
    return [(s.lane, s.name, s.start_us, s.end_us) for s in profiler_trace.to_timeline(trace(*events)).spans]


def test_calls_lie_over_the_outermost_op_on_the_cpus_lane_and_kernels_on_the_gpus():
    assert rows(*EAGER) == [
        ("CPU", "aten::linear", 0.0, 31.0),
        ("CPU", "cudaLaunchKernel", 7.0, 14.0),
        ("GPU", "ampere_sgemm_128x64_nn", 36.0, 53.0),
    ]


def test_a_graphs_launch_is_one_call_and_its_kernels_are_all_there():
    timeline = profiler_trace.to_timeline(trace(*STEP))
    assert [s.name for s in timeline.lane("CPU") if kind_of(s) == "graph launch"] == ["cudaGraphLaunch"]
    assert [s.name for s in timeline.lane("GPU")][1:3] == [
        "triton_red_fused_add_rms_norm_0",
        "flash_fwd_splitkv_kernel",
    ]


def test_each_work_names_the_call_that_brought_it():
    launched_by = profiler_trace.launched_by(trace(*STEP, *AROUND))
    assert {work.name: call.name for work, call in launched_by.items()} == {
        "ampere_sgemm_128x64_nn": "cudaLaunchKernel",
        "triton_red_fused_add_rms_norm_0": "cudaGraphLaunch",
        "flash_fwd_splitkv_kernel": "cudaGraphLaunch",
        "Memcpy DtoH (Device -> Pinned)": "cudaMemcpyAsync",
    }
    spans = profiler_trace.to_timeline(trace(*STEP, *AROUND)).spans
    assert {*launched_by, *launched_by.values()} <= set(spans)


def test_work_that_was_launched_before_the_profiler_began_names_no_call():
    assert profiler_trace.launched_by(trace(EAGER[-1], on_gpu("kernel", "gemm", 70.0, 3.0, correlation=0))) == {}


def test_the_time_of_a_step_is_told_apart_by_kinds():
    timeline = profiler_trace.to_timeline(trace(*STEP, *AROUND))
    host_us = (31.0 - 7.0) + (49.0 - 6.5 - 37.0)
    assert us_by_kind(timeline, "CPU") == {
        "host": host_us,
        "launch": 7.0,
        "graph launch": 8.5,
        "copy": 6.5,
        "sync": 37.0,
    }
    assert us_by_kind(timeline, "GPU") == {"kernel": 17.0 + 3.25 + 23.0, "copy": 1.5}


def test_what_stands_around_the_work_changes_nothing():
    assert rows(*STEP, *AROUND) == rows(*AROUND, *STEP) == rows(*STEP)


def test_ops_of_a_profile_without_a_gpu_are_spans_of_the_cpu():
    ops = [event("cpu_op", "aten::linear", 5.0, 31.0), event("cpu_op", "aten::addmm", 9.0, 25.0)]
    assert rows(*ops, event("cpu_op", "aten::argmax", 50.0, 4.0)) == [
        ("CPU", "aten::linear", 0.0, 31.0),
        ("CPU", "aten::argmax", 45.0, 49.0),
    ]


def test_a_backward_thread_that_launches_is_on_the_cpus_lane_and_a_thread_that_only_loads_data_is_not():
    backward = [
        event("cpu_op", "autograd::engine::evaluate_function: MmBackward0", 50.0, 20.0, BACKWARD),
        event("cuda_runtime", "cudaLaunchKernel", 55.0, 3.0, BACKWARD),
    ]
    loading = [
        event("cpu_op", "aten::stack", 2.0, 90.0, LOADER),
        event("cuda_runtime", "cudaEventQuery", 3.0, 1.0, LOADER),
    ]
    names = [row[1] for row in rows(*EAGER, *backward, *loading) if row[0] == "CPU"]
    assert names == ["aten::linear", "cudaLaunchKernel", backward[0]["name"], "cudaLaunchKernel"]


def test_a_driver_call_inside_a_runtime_call_is_not_a_second_launch():
    inner = event("cuda_driver", "cuLaunchKernel", 13.0, 4.0)
    alone = event("cuda_driver", "cuLaunchKernelEx", 60.0, 4.0)  # as Triton launches
    calls = [row[1] for row in rows(*EAGER, inner, alone) if row[1].startswith("cu")]
    assert calls == ["cudaLaunchKernel", "cuLaunchKernelEx"]


def test_the_stream_that_worked_longest_is_the_gpu_and_others_keep_their_numbers():
    events = [
        on_gpu("kernel", "copy_kernel", 10.0, 5.0, stream=20),
        on_gpu("kernel", "gemm", 11.0, 50.0, stream=7),
        on_gpu("gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 12.0, 3.0, stream=20),
        on_gpu("kernel", "nccl", 13.0, 9.0, stream=7, device=1),
    ]
    assert [(row[0], row[1]) for row in rows(*events)] == [
        ("GPU", "gemm"),
        ("GPU stream 20", "copy_kernel"),
        ("GPU stream 20", "Memcpy HtoD (Pinned -> Device)"),
        ("GPU 1 stream 7", "nccl"),
    ]


def test_a_full_launch_queue_is_a_wait_of_the_cpu():
    full = event("overhead", "Command Buffer Full", 20.0, 400.0)
    timeline = profiler_trace.to_timeline(trace(*EAGER, full))
    assert us_by_kind(timeline, "CPU")["wait"] == 400.0


def test_events_that_never_ended_are_left_out():
    broken = [event("cpu_op", "aten::mm", 7.0, -1.0), {**event("cpu_op", "aten::mm", 7.0, 1.0), "dur": None}]
    del broken[1]["dur"]
    assert rows(*EAGER, *broken) == rows(*EAGER)


def test_times_since_1970_keep_durations_that_are_finer_than_a_float_there():
    fine = [event("cpu_op", "aten::mm", 0.0, 31.1), event("cpu_op", "aten::add", 40.0, 0.1)]
    older = [{**one, "ts": one["ts"] - ZERO_US + 1_712_195_495_505_000.0} for one in fine]  # as older versions wrote
    assert [row[3] - row[2] for row in rows(*older)] == pytest.approx([31.1, 0.1], abs=1e-9)


def test_neighbours_in_a_stream_stay_in_order_after_times_are_brought_near_0():
    kernels = [on_gpu("kernel", "k", start / 10, 0.1) for start in range(200)]
    spans = profiler_trace.to_timeline(trace(*kernels)).lane("GPU")
    assert len(spans) == 200 and all(left.start_us < right.start_us for left, right in pairwise(spans))


def test_a_trace_says_which_device_and_which_day_it_is_of():
    assert profiler_trace.made_by(trace(*STEP)) == {
        "kind": "profiled",
        "tool": "torch.profiler",
        "device": "NVIDIA H200",
        "date": "2026-11-21",
    }


def test_what_a_trace_does_not_say_is_not_made_up():
    bare = trace(*ITEM) | {"deviceProperties": 0, "baseTimeNanoseconds": 0}  # torch 2.13 writes 0 without a GPU
    assert profiler_trace.made_by(bare) == {"kind": "profiled", "tool": "torch.profiler"}


@pytest.mark.parametrize("with_stack", [False, True])
def test_torchs_own_trace_of_a_cpu_gives_the_ops_that_were_called(with_stack, tmp_path):
    torch = pytest.importorskip("torch")
    from torch.profiler import ProfilerActivity, profile, record_function

    x = torch.arange(12.0).reshape(3, 4)
    with profile(activities=[ProfilerActivity.CPU], with_stack=with_stack) as profiled:
        with record_function("step"):
            torch.nn.functional.linear(x, x)
        x.argmax()
    profiled.export_chrome_trace(str(tmp_path / "cpu.json"))
    written = json.loads((tmp_path / "cpu.json").read_text("utf-8"))
    assert profiler_trace.is_profiler_trace(written)
    timeline = profiler_trace.to_timeline(written)
    assert [(span.lane, span.name) for span in timeline.spans] == [("CPU", "aten::linear"), ("CPU", "aten::argmax")]
    assert timeline.start_us == 0
