"""Small traces in the shape in which torch.profiler writes them, made by hand.

The fields are those of libkineto (`output_json.cpp`, `CuptiActivity.cpp`) as torch 2.13 exports them: times in
microseconds after `baseTimeNanoseconds`, GPU work under the device's number as process and the stream's as thread, the
profiler's own marks under processes that are called "Spans" and "Traces". All durations differ, so that no sum of some
is the sum of others.
"""

from __future__ import annotations

from typing import Any

MAIN, BACKWARD, LOADER = 4242, 4243, 4299
ZERO_US = 4_397_544_292_000.0  # as large as they are in a real trace

Event = dict[str, Any]


def event(cat: str, name: str, start_us: float, dur_us: float, thread: int = MAIN, **args: Any) -> Event:
    """Return an event of the host."""
    place = {"ph": "X", "cat": cat, "name": name, "pid": MAIN, "tid": thread}
    return {**place, "ts": ZERO_US + start_us, "dur": dur_us, "args": args}


def on_gpu(cat: str, name: str, start_us: float, dur_us: float, stream: int = 7, device: int = 0, **args: Any) -> Event:
    """Return an event of a GPU's stream."""
    arguments = {"device": device, "context": 1, "stream": stream, **args}
    return event(cat, name, start_us, dur_us) | {"pid": device, "tid": stream, "args": arguments}


def trace(*events: Event) -> dict[str, Any]:
    """Return a whole trace: head, names of processes and threads, and what the profiler says of itself."""
    heading = {"ph": "M", "ts": ZERO_US, "pid": 0, "tid": 7}
    own = event("Trace", "PyTorch Profiler (0)", -400.0, 9000.0) | {"pid": "Spans", "tid": "PyTorch Profiler"}
    return {
        "schemaVersion": 1,
        "deviceProperties": [{"id": 0, "name": "NVIDIA H200", "totalGlobalMem": 150_000_000_000}],
        "displayTimeUnit": "ms",
        "baseTimeNanoseconds": 1_790_857_026_000_000_000,
        "traceEvents": [
            {**heading, "name": "process_labels", "args": {"labels": "GPU 0"}},
            {**heading, "name": "thread_name", "args": {"name": "stream 7 "}},
            *events,
            {"ph": "s", "id": 35, "pid": MAIN, "tid": MAIN, "ts": ZERO_US + 12.0, "cat": "ac2g", "name": "ac2g"},
            {"ph": "f", "id": 35, "pid": 0, "tid": 7, "ts": ZERO_US + 41.0, "cat": "ac2g", "name": "ac2g", "bp": "e"},
            own,
            {"ph": "i", "s": "g", "name": "Record Window End", "pid": "", "tid": "", "ts": ZERO_US + 8600.0},
        ],
    }


# One decode step: an op launched eagerly, a graph of two kernels, and .item(), which copies and waits.
EAGER = (
    event("cpu_op", "aten::linear", 5.0, 31.0),
    event("cpu_op", "aten::addmm", 9.0, 25.0),
    event("cuda_runtime", "cudaLaunchKernel", 12.0, 7.0, cbid=211, correlation=35),
    on_gpu("kernel", "ampere_sgemm_128x64_nn", 41.0, 17.0, correlation=35),
)
GRAPH = (
    event("cuda_runtime", "cudaGraphLaunch", 48.0, 8.5, cbid=311, correlation=36),
    on_gpu("kernel", "triton_red_fused_add_rms_norm_0", 61.0, 3.25, correlation=36, **{"graph id": 2}),
    on_gpu("kernel", "flash_fwd_splitkv_kernel", 65.0, 23.0, correlation=36, **{"graph id": 2}),
)
ITEM = (
    event("cpu_op", "aten::item", 60.0, 49.0),
    event("cpu_op", "aten::_local_scalar_dense", 61.0, 47.0),
    event("cuda_runtime", "cudaMemcpyAsync", 63.0, 6.5, cbid=41, correlation=37),
    event("cuda_runtime", "cudaStreamSynchronize", 70.0, 37.0, cbid=131, correlation=38),
    on_gpu("gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", 89.0, 1.5, correlation=37, bytes=8),
    on_gpu("cuda_sync", "Stream Sync", 70.5, 36.0, cuda_sync_kind="Stream Sync", correlation=38),
)
STEP = (*EAGER, *GRAPH, *ITEM)
AROUND = (  # what stands around the work and is none
    event("user_annotation", "ProfilerStep#3", 0.0, 500.0),
    on_gpu("gpu_user_annotation", "ProfilerStep#3", 40.0, 51.0),
    event("python_function", "decode.py(12): step", 1.0, 480.0),
    event("overhead", "Activity Buffer Request", 14.0, 2.0),
)
