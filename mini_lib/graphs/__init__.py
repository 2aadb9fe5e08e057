"""One function, captured: CUDA graphs where there is a GPU, and their CPU twin elsewhere, under the same names.

`CUDAGraph`, `graph`, `graph_pool_handle`, `is_current_stream_capturing` and `synchronize` are `torch.cuda`'s own
objects on a machine with a GPU and the twin's on any other. `mini_lib.graphs.recorder` is always the twin.
"""

from __future__ import annotations

from mini_lib.graphs import recorder
from mini_lib.graphs.buffers import BufferSpec, InputBuffers
from mini_lib.graphs.cache import GraphCache
from mini_lib.graphs.capture import CapturedGraph, capture
from mini_lib.graphs.device import device_of, get_device_module
from mini_lib.graphs.errors import CaptureError, GraphError, NoGraphError, StaleInputError
from mini_lib.graphs.launches import Launches, count_launches, note_graph_launch
from mini_lib.graphs.runner import GraphRunner
from mini_lib.graphs.weak_refs import weak_ref

_device_module = get_device_module()
CUDAGraph = _device_module.CUDAGraph
graph = _device_module.graph
graph_pool_handle = _device_module.graph_pool_handle
is_current_stream_capturing = _device_module.is_current_stream_capturing
synchronize = _device_module.synchronize

__all__ = [
    "BufferSpec",
    "CUDAGraph",
    "CaptureError",
    "CapturedGraph",
    "GraphCache",
    "GraphError",
    "GraphRunner",
    "InputBuffers",
    "Launches",
    "NoGraphError",
    "StaleInputError",
    "capture",
    "count_launches",
    "device_of",
    "get_device_module",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "note_graph_launch",
    "recorder",
    "synchronize",
    "weak_ref",
]
