"""What recording a set of graphs costs a server before its first request: seconds, and device memory.

Both are nodes times a constant of the profile. A piecewise key holds every kernel but those of the splitting ops, in
one graph per gap between them; a full key holds all of them in one. Both constants are spread over nodes from what vLLM
reports per size, and reports differ by a factor of ten between models and versions (0.05 to 0.5 s and 6 to 28 MiB a
size; vllm-project/vllm, pulls 22897 and 11349), so take the result for an order of magnitude.

Not modelled: compiling, loading weights, the memory of activations, which all graphs share in one pool.

>>> from mini_lib.dispatch import CudagraphDispatcher
>>> from mini_lib.sim.profiles import PROFILES
>>> dispatcher = CudagraphDispatcher(CUDAGraphMode.FULL_AND_PIECEWISE, [1, 2, 4, 8], max_num_seqs=4)
>>> ready = startup(ModelConfig.tiny(), "fused", dispatcher.capture_keys(), PROFILES["H200"])
>>> ready.graphs, 0 < ready.seconds < 1
(15, True)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mini_lib.config import ModelConfig
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode
from mini_lib.sim.costs import step_kernels
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.pricing import launches_of


class Startup(NamedTuple):
    """What all graphs together cost: seconds of capturing, bytes of device memory, and how many graphs there are."""

    seconds: float
    num_bytes: int
    graphs: int


def startup(
    config: ModelConfig, style: str, keys: Iterable[tuple[CUDAGraphMode, BatchDescriptor]], profile: DeviceProfile
) -> Startup:
    """Return what it costs to record the graphs of `keys`, as `CudagraphDispatcher.capture_keys` lists them."""
    nodes = [count for mode, key in keys for count in nodes_of_graphs(config, style, mode, key.num_tokens)]
    seconds = sum(nodes) * profile.capture_node_us / 1e6
    return Startup(seconds, round(sum(nodes) * profile.graph_node_bytes), len(nodes))


def nodes_of_graphs(config: ModelConfig, style: str, mode: CUDAGraphMode, num_tokens: int) -> list[int]:
    """Return how many kernels each graph of one key holds, in the order of the forward pass."""
    shape = StepShape.decode(num_tokens, context=1)  # how long the requests are changes no kernel's being there
    launches = launches_of(mode, step_kernels(config, style, shape).forward)
    return [len(kernels) for is_graph, kernels in launches if is_graph]
