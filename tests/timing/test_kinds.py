"""What a span is, by its name; and who owns a moment that several spans claim."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.timing import Kernel, LaunchQueue, Span, Timeline, kind_of, us_by_kind
from mini_lib.timing.nesting import outermost

ON_CPU = {
    "launch": ["cudaLaunchKernel", "cudaLaunchKernelExC_v11060", "cuLaunchKernel", "cuLaunchKernelEx", "launch matmul",
               "cudaLaunchCooperativeKernel", "hipLaunchKernel", "hipExtModuleLaunchKernel", "cudaMemsetAsync"],
    "graph launch": ["cudaGraphLaunch", "cuGraphLaunch_v2", "hipGraphLaunch", "replay decode"],
    "sync": ["cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cuStreamSynchronize",
             "hipDeviceSynchronize", "synchronize"],
    "copy": ["cudaMemcpyAsync", "cuMemcpyDtoHAsync_v2", "hipMemcpyWithStream", "cudaMemcpy", "launch copy tokens"],
    "wait": ["wait 3", "Command Buffer Full"],
    "host": ["aten::mm", "schedule", "process 3", "cudaEventRecord", "cudaStreamWaitEvent", "cudaEventQuery",
             "cudaMalloc", "cudaStreamIsCapturing", "cudaGraphInstantiate", "waiting room", "relaunch", "aten::copy_"],
}  # fmt: skip
ON_GPU = {
    "copy": ["Memcpy HtoD (Pinned -> Device)", "Memcpy DtoD (Device -> Device)", "copy tokens"],
    "kernel": ["ampere_sgemm_128x64_nn", "Memset (Device)", "launch_bounds_kernel", "aten.copy_", "copy_kernel"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in ON_CPU.items() for name in names])
def test_what_the_cpu_does_is_known_by_its_name(kind, name):
    assert kind_of(Span("CPU", name, 1, 2)) == kind


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in ON_GPU.items() for name in names])
def test_work_of_any_stream_is_a_copy_or_a_kernel(kind, name):
    assert kind_of(Span("GPU", name, 1, 2)) == kind_of(Span("GPU stream 20", name, 1, 2)) == kind


def test_all_that_the_launch_queue_does_has_its_kind():
    queue = LaunchQueue()
    queue.host("schedule", 3.0)
    queue.launch(Kernel("matmul", 2.0))
    queue.launch_graph("decode", [Kernel("norm", 1.0)])
    queue.copy("tokens", 1.5, stream="GPU copies")
    queue.synchronize()
    kinds = {span.name: kind_of(span) for span in queue.timeline().spans}
    assert kinds == {
        "schedule": "host",
        "launch matmul": "launch",
        "matmul": "kernel",
        "replay decode": "graph launch",
        "norm": "kernel",
        "launch copy tokens": "copy",
        "copy tokens": "copy",
        "synchronize": "sync",
    }


ticks = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)
claims = st.lists(ticks, max_size=9).map(lambda all_: [Span("CPU", str(n), a, b) for n, (a, b) in enumerate(all_)])


@settings(max_examples=200, deadline=None)
@given(claims)
def test_each_moment_belongs_to_the_open_span_that_began_last_counted_tick_by_tick(spans):
    pieces = Timeline(spans).flattened().spans
    for tick in range(31):
        open_now = [span for span in spans if span.start_us <= tick < span.end_us]
        latest = max((span.start_us, -span.end_us) for span in open_now) if open_now else None
        owners = {span.name for span in open_now if (span.start_us, -span.end_us) == latest}
        found = [piece.name for piece in pieces if piece.start_us <= tick < piece.end_us]
        assert len(found) == bool(open_now) and set(found) <= owners


@settings(max_examples=200, deadline=None)
@given(claims)
def test_the_times_by_kind_add_up_to_the_busy_time(spans):
    timeline = Timeline(spans)
    assert sum(us_by_kind(timeline, "CPU").values()) == timeline.busy_us("CPU")
    assert timeline.flattened().busy_us("CPU") == timeline.busy_us("CPU")


def test_a_span_that_nobody_interrupts_stays_whole():
    around, empty = Span("CPU", "op", 0.0, 9.0), Span("CPU", "mark", 4.0, 4.0)
    assert Timeline([around, empty]).flattened().spans == (around,)


@settings(max_examples=200, deadline=None)
@given(claims)
def test_the_outermost_spans_are_those_inside_no_other(spans):
    kept = outermost(spans)
    for span in spans:
        assert any(one.start_us <= span.start_us and span.end_us <= one.end_us for one in kept)
    for span in kept:
        assert not any(one is not span and one.start_us <= span.start_us and span.end_us <= one.end_us for one in kept)
