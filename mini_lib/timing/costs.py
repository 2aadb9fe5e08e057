"""What a launch costs: the constants of the launch queue, each with its source or the word "assumed"."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class LaunchCosts:
    """The time that launching takes, in microseconds, apart from the kernels' own work.

    Attributes:
        launch_us: CPU time of one eager operation: Python, the framework's dispatch and the launch call.
        graph_launch_us: CPU time of one graph launch, whatever the graph holds.
        graph_node_us: CPU time that each node of a graph adds to its launch.
        gap_us: least GPU time between two kernels of a stream that were launched one by one.
        graph_gap_us: the same between two kernels inside one graph.
        latency_us: from the end of a launch call until an idle GPU starts on it.
        sync_us: CPU time to notice that the GPU is done and to go on.
        queue_depth: launches that may be pending; the next one waits until the oldest is done.
        source: where the numbers come from: "assumed", or device, versions, date and command of a measurement.
    """

    launch_us: float
    graph_launch_us: float
    graph_node_us: float
    gap_us: float
    graph_gap_us: float
    latency_us: float
    sync_us: float
    queue_depth: int = 1024
    source: str = "assumed"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_us") and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} is {value}: a cost is a finite number of microseconds, 0 or more.")
        if not (isinstance(self.queue_depth, int) and self.queue_depth >= 1):
            raise ValueError(f"queue_depth is {self.queue_depth}: it is a whole number of launches, 1 or more.")


ASSUMED = LaunchCosts(
    # Assumed, between the 8 us that PyTorch takes to submit an add on an A100 (flagos-ai/Torch-FL, pull 27) and the
    # 4.0 us per launch of OPT-1.3B on an H100 (deepspeedai/DeepSpeed, pull 8271).
    launch_us=7.5,
    # NVIDIA, "Constant Time Launch for Straight-Line CUDA Graphs": 2.5 us + about 1 ns a node, CUDA 12.6, RTX 3060.
    graph_launch_us=2.5,
    graph_node_us=0.001,
    # Assumed. Published anchors: 2.1 us a kernel on a stream, 1.3 us inside a graph, launch included, on an H100
    # (Hazy Research, "No Bubbles"); 0.55 us a node inside a graph on an RTX 3060 (NVIDIA, as above).
    gap_us=1.0,
    graph_gap_us=0.7,
    # Assumed. Together they explain the 9 us between submitting an add and having its result on an A100 (8 us against
    # 17 us, Torch-FL as above), if the add itself runs for 2 us.
    latency_us=2.0,
    sync_us=5.0,
    # Assumed: the depth after which launches block in practice. CUDA does not promise one.
    queue_depth=1024,
    source="assumed",
)
"""A plausible server with PyTorch: orders of magnitude, not a measurement. Never quote a time computed from it as
the time of a device; the shape of the result (who waits for whom) is what it is good for."""
