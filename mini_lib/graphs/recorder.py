"""The CPU twin of `torch.cuda`'s graphs: the same names, the same signatures, the same refusals, without a GPU.

>>> import torch
>>> x = torch.tensor([1.0, 2.0, 3.0])
>>> g = CUDAGraph()
>>> with graph(g):
...     y = x * 10          # recorded, not run
>>> y
tensor([nan, nan, nan])
>>> g.replay(); y
tensor([10., 20., 30.])
>>> _ = x.copy_(torch.tensor([7.0, 8.0, 9.0]))
>>> g.replay(); y
tensor([70., 80., 90.])

Capture runs nothing and hands out poisoned memory from a private pool; replay does what was written down, on the same
addresses, with the random numbers of the moment. Beyond torch's names there are `CUDAGraph.num_nodes`, `.nodes`,
`.dead_inputs()` and `pool_of(handle)`, to look inside.

Not modelled (and so not to be learnt here): launch latency, the reason for graphs; work of other streams and threads
during capture; fork and join, conditional nodes, NCCL; the difference between host and device tensors; pinned memory;
unregistered generators; fused kernels and kernel counts; cuBLAS and cuDNN workspaces, and therefore why warm-up is
needed; Adam with `capturable=True`. The garbage that a GPU would show before the first replay is NaN, -1 or True here,
and an input that died keeps its old values: both are kinder than CUDA. While torch sees that it is watched it takes
another way in a few places, with other last bits: the fused path of `nn.TransformerEncoderLayer` in eval mode, the
backward pass of `prod`.
"""

from __future__ import annotations

from types import TracebackType

from mini_lib.graphs.cuda_graph import CUDAGraph
from mini_lib.graphs.errors import GraphError
from mini_lib.graphs.pool import PoolHandle, graph_pool_handle, pool_of
from mini_lib.graphs.streams import (
    Event,
    Stream,
    current_stream,
    default_stream,
    is_current_stream_capturing,
    refuse_waiting,
    set_stream,
    stream,
    synchronize,
)

__all__ = [
    "CUDAGraph",
    "Event",
    "Stream",
    "current_stream",
    "default_stream",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "pool_of",
    "set_stream",
    "stream",
    "synchronize",
]


class graph:
    """Capture what happens inside the `with` block into `cuda_graph`, on a side stream and into a private pool.

    Args:
        cuda_graph: an empty `CUDAGraph`.
        pool: a handle from `graph_pool_handle()` or another graph's `pool()`, to share memory with it.
        stream: the stream to capture on; by default one that all captures share.
        capture_error_mode: accepted and ignored: other threads are not watched here.
        check_input_liveness: raise at replay if an input has died (torch has this from 2.13 on).

    Raises:
        CaptureError: at the end of the block, if anything in it was refused: CUDA's error 901, with the 900 before it.
    """

    default_capture_stream: Stream | None = None

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: PoolHandle | None = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
        check_input_liveness: bool = False,
    ) -> None:
        if stream is None and graph.default_capture_stream is None:
            graph.default_capture_stream = Stream()
        self.cuda_graph, self.pool = cuda_graph, pool
        self.capture_stream = stream or graph.default_capture_stream
        self.capture_error_mode, self.check_input_liveness = capture_error_mode, check_input_liveness

    def __enter__(self) -> None:
        refuse_waiting("The synchronize() with which this second capture begins")  # and so does torch's
        self.stream_ctx = stream(self.capture_stream)
        self.stream_ctx.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.capture_error_mode, self.check_input_liveness)
        except GraphError:
            self.stream_ctx.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.cuda_graph.capture_end()
        finally:
            self.stream_ctx.__exit__(None, None, None)
