"""Devices to simulate, each constant with its source or the word "assumed".

None of this was measured by the course. Two figures of the H200 were measured on one; what others published is named;
the rest is assumed, some of it between published figures of other devices. Read results as orders of magnitude, and
ratios before times, until `bench fit` has replaced a profile by a recorded run of the machine that you mean.

A host is half of a profile: launches cost what its CPU and its Python make of them.

>>> PROFILES["A100"].source_of("tflops"), PROFILES["T4"].source_of("step_us")
('data sheet (312) x 0.8, assumed', 'assumed')
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.timing import ASSUMED, LaunchCosts

_GRAPH = (
    "graph_launch_us, graph_node_us: 2.5 us + 1 ns a node (NVIDIA, Constant Time Launch for Straight-Line CUDA Graphs; "
    "CUDA 12.6, RTX 3060)"
)
_GAPS = (
    "graph_gap_us: 0.8 us a kernel (arXiv 2512.22219, B200); gap_us: 0.8 more, the difference between 2.1 us on a "
    "stream and 1.3 us in a graph (Hazy Research, No Bubbles, H100)"
)
_REST = "latency_us, sync_us, queue_depth: assumed"
_CAPTURE = "0.053 s a size, piecewise (vllm-project/vllm, pull 22897), by 500 nodes, their number assumed"
_MEMORY = "24 to 28 MiB a size, piecewise (vllm-project/vllm, pull 22897), by 500 nodes, their number assumed"
_CAPTURE_NODE_US, _NODE_BYTES = 53_000 / 500, 26 * 2**20 / 500
_H100_LAUNCH = "4.0 us: OPT-1.3B, 5.0 ms a step, 1,300 launches, H100 (deepspeedai/DeepSpeed, pull 8271)"
_A100_LAUNCH = "8 us: submitting an add, A100 (flagos-ai/Torch-FL, pull 27)"
_SMALL_ADD = "an add of 1,024 numbers: 1.1 to 1.3 us (pytorch/pytorch, issue 161104)"


def _launch(launch_us: float, source: str) -> LaunchCosts:
    """Return the costs of a host that takes `launch_us` for a launch; graphs and gaps are the same on all."""
    return LaunchCosts(
        launch_us=launch_us,
        graph_launch_us=2.5,
        graph_node_us=0.001,
        gap_us=1.6,
        graph_gap_us=0.8,
        latency_us=2.0,
        sync_us=5.0,
        source=f"launch_us: {source}; {_GRAPH}; {_GAPS}; {_REST}",
    )


def _profile(
    name: str, copy_gb_per_s: float, tflops: float, kernel_us: float, launch: LaunchCosts, *,
    slower: float = 1.0, sources: Mapping[str, str] = MappingProxyType({}),
) -> DeviceProfile:  # fmt: skip
    """Return a profile whose host takes `slower` times as long for Python as a new server, which is assumed."""
    return DeviceProfile(
        name=name,
        copy_gb_per_s=copy_gb_per_s,
        tflops=tflops,
        kernel_us=kernel_us,
        launch=launch,
        own_op_us=10.0 * slower,
        step_us=100.0 * slower,
        request_us=2.0 * slower,
        capture_node_us=_CAPTURE_NODE_US * slower,
        graph_node_bytes=_NODE_BYTES,
        sources={
            "launch": launch.source,
            "capture_node_us": _CAPTURE + (f", x {slower:g}, assumed" if slower != 1 else ""),
            "graph_node_bytes": _MEMORY,
            **sources,
        },
    )


_MEASURED = "measured on an H200 before this course; of that run no record is kept"

_ALL = (
    _profile(
        "H200", 4300.0, 790.0, 1.2, _launch(4.0, _H100_LAUNCH + ", assumed of an H200 as well"),
        sources={"copy_gb_per_s": _MEASURED, "tflops": _MEASURED, "kernel_us": _SMALL_ADD},
    ),
    _profile(
        "H100", 0.9 * 3350, 0.8 * 989, 1.2, _launch(4.0, _H100_LAUNCH),
        sources={
            "copy_gb_per_s": "data sheet (SXM, 3350) x 0.9, assumed: the share of the H200, 4300 of 4800",
            "tflops": "data sheet (SXM, 989) x 0.8, assumed: the share of the H200",
            "kernel_us": _SMALL_ADD,
        },
    ),
    _profile(
        "A100", 1700.0, 0.8 * 312, 1.5, _launch(8.0, _A100_LAUNCH), slower=1.5,
        sources={
            "copy_gb_per_s": "1.7 TB/s reached by an A100-80GB at 330 W (meta-pytorch/gpt-fast, README)",
            "tflops": "data sheet (312) x 0.8, assumed",
        },
    ),
    _profile(
        "L4", 0.9 * 300, 0.6 * 121, 1.5, _launch(8.0, "assumed, as the A100's"), slower=1.5,
        sources={
            "copy_gb_per_s": "data sheet (300) x 0.9, assumed",
            "tflops": "data sheet (121) x 0.6, assumed: at 72 W it cannot keep its clock",
        },
    ),
    _profile(
        "T4", 0.8 * 320, 0.5 * 65, 2.0, _launch(12.0, "assumed, the old host of a free notebook"), slower=2.0,
        sources={
            "copy_gb_per_s": "data sheet (320) x 0.8, assumed",
            "tflops": "data sheet (65, float16) x 0.5, assumed: at 70 W it cannot keep its clock",
        },
    ),
    _profile("generic host", 1000.0, 150.0, 1.5, ASSUMED, slower=1.5),
)  # fmt: skip

PROFILES: Mapping[str, DeviceProfile] = MappingProxyType({profile.name: profile for profile in _ALL})
"""By name. "generic host" is a plausible server with a middling GPU, all of it assumed."""
