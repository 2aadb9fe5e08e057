"""A pricer for tests: few kernels, and prices read off the launch queue, which the simulator's own must equal.

A step is one eager kernel that finds the tokens, layers of (norm, attention, mlp), and one eager kernel that samples.
A row costs `row_us` in every kernel but attention, and a position of the KV cache costs `kv_us` in attention.
"""

from __future__ import annotations

from functools import cache

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.price import StepPrice
from mini_lib.timing import Kernel, LaunchCosts, LaunchQueue
from mini_lib.timing.streams import Event

FAR_US = 1e7


class PlayingPricer:
    """Prices steps of `layers` layers under `costs`."""

    def __init__(self, costs: LaunchCosts, layers: int = 2, *, kernel_us: float = 3.0, row_us: float = 0.5,
                 kv_us: float = 0.01) -> None:  # fmt: skip
        self.costs, self.layers = costs, layers
        self.kernel_us, self.row_us, self.kv_us = kernel_us, row_us, kv_us
        self.price = cache(self._price)

    def plan(self, mode: CUDAGraphMode, num_tokens: int, num_requests: int) -> PlayedPlan:
        return PlayedPlan(self, mode, num_tokens, num_requests)

    def play(self, queue: LaunchQueue, mode: CUDAGraphMode, shape: StepShape, name: str = "") -> None:
        other = Kernel(f"{name} other", self.kernel_us + self.row_us * shape.num_tokens)
        attention = Kernel(f"{name} attention", self.kernel_us + self.kv_us * shape.kv_tokens)
        queue.launch(other)
        if mode is CUDAGraphMode.FULL:
            queue.launch_graph(name, [other, attention, other] * self.layers)
        for layer in range(self.layers if mode is CUDAGraphMode.PIECEWISE else 0):
            queue.launch_graph(name, [other] * (2 if layer else 1))
            queue.launch(attention)
        if mode is CUDAGraphMode.PIECEWISE:
            queue.launch_graph(name, [other])
        for _ in range(self.layers if mode is CUDAGraphMode.NONE else 0):
            for kernel in (other, attention, other):
                queue.launch(kernel)
        queue.launch(Kernel(f"{name} sample", self.kernel_us + self.row_us * shape.num_requests))

    def _price(self, mode: CUDAGraphMode, shape: StepShape) -> StepPrice:
        idle, busy = LaunchQueue(self.costs), LaunchQueue(self.costs)
        busy.wait_event(Event("GPU", FAR_US + self.costs.gap_us))
        for queue in (idle, busy):
            self.play(queue, mode, shape)
        names = [span.name.split()[0] for span in idle.timeline().lane("CPU")]
        return StepPrice(
            launch_us=idle.now_us,
            gpu_us=busy.record_event().done_us - FAR_US,
            behind_us=idle.record_event().done_us,
            busy_us=sum(span.duration_us for span in idle.timeline().lane("GPU")),
            kernels=names.count("launch"),
            graphs=names.count("replay"),
        )


class PlayedPlan:
    def __init__(self, pricer: PlayingPricer, mode: CUDAGraphMode, num_tokens: int, num_requests: int) -> None:
        self._price = lambda kv_tokens, attended: pricer.price(
            mode, StepShape(num_tokens, num_requests, attended, kv_tokens))  # fmt: skip
        price = self._price(0, 0)
        self.launch_us, self.num_launches = price.launch_us, price.kernels + price.graphs

    def times_us(self, kv_tokens: int, attended: int) -> tuple[float, float, float]:
        price = self._price(kv_tokens, attended)
        return price.gpu_us, price.behind_us, price.busy_us


COSTS = LaunchCosts(
    launch_us=4.0, graph_launch_us=3.0, graph_node_us=0.01, gap_us=1.0, graph_gap_us=0.5, latency_us=2.0, sync_us=5.0
)
PROFILE = DeviceProfile(
    name="a GPU of tests", copy_gb_per_s=1000.0, tflops=100.0, kernel_us=1.5, launch=COSTS, step_us=40.0,
    request_us=3.0, capture_node_us=10.0, graph_node_bytes=4096.0,
)  # fmt: skip
