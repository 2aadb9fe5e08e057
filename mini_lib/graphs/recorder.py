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
and an input that died keeps its old values: both are kinder than CUDA.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from types import TracebackType

from mini_lib.graphs.errors import EMPTY_GRAPH_WARNING, CaptureError, FirstLine, GraphError, NoGraphError
from mini_lib.graphs.host_reads import HostReads, no_seeding
from mini_lib.graphs.inputs import DeadInput
from mini_lib.graphs.pool import Pool, PoolHandle, graph_pool_handle, pool_of
from mini_lib.graphs.recording import Recording
from mini_lib.graphs.replaying import check_alive, run
from mini_lib.graphs.streams import (
    Event,
    Stream,
    current_stream,
    default_stream,
    is_current_stream_capturing,
    refuse_waiting,
    set_stream,
    state,
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


class CUDAGraph:
    """A recorded sequence of kernels. Empty, then capturing, then captured; `reset` makes it empty again."""

    def __init__(self, keep_graph: bool = False) -> None:
        self._recording: Recording | None = None
        self._captured: Recording | None = None
        self._check_input_liveness = False

    def capture_begin(
        self, pool: PoolHandle | None = None, capture_error_mode: str = "global", check_input_liveness: bool = False
    ) -> None:
        """Begin to record this thread's work. Prefer `with graph(g):`, which also changes the stream and cleans up.

        Raises:
            CaptureError: this graph is captured already, a capture is under way, or the stream is the default one.
        """
        if self._captured is not None:
            raise CaptureError(FirstLine.ALREADY_CAPTURED, "A graph is captured once. Or call its reset() first.")
        refuse_waiting("A second capture inside this one")
        if current_stream() is default_stream():
            raise CaptureError(FirstLine.DEFAULT_STREAM, "`with graph(g):` chooses a side stream for you.")
        self._begin(pool_of(pool) if pool is not None else Pool())
        self._check_input_liveness = check_input_liveness

    def capture_end(self) -> None:
        """End the recording that `capture_begin` began.

        Raises:
            CaptureError: something in the region was refused (CUDA's error 901), or there is nothing to end here.
        """
        recording = self._recording
        if recording is None:
            raise CaptureError(FirstLine.END_BEFORE_BEGIN, "This graph is not being captured.")
        if current_stream() is not self._capture_stream:
            raise CaptureError(FirstLine.OTHER_STREAM, f"It began on {self._capture_stream}; this is another one.")
        self._stop()
        recording.check_not_spoiled()
        if not recording.nodes:
            warnings.warn(EMPTY_GRAPH_WARNING, stacklevel=2)
        self._captured = recording

    def replay(self) -> None:
        """Do all that was recorded, in order, on the recorded addresses. Outputs are overwritten."""
        captured = self._captured
        if captured is None:
            raise NoGraphError(FirstLine.REPLAY_TOO_EARLY, "Capture first: `with graph(g): ...`, to its end.")
        if state.recording is not None:
            _refuse_replay(state.recording, captured)
        if self._check_input_liveness:
            check_alive(captured.inputs)
        run(captured.nodes)

    def reset(self) -> None:
        """Forget what was captured, and give up the pool."""
        self._captured = None

    def pool(self) -> PoolHandle:
        """Return the name of this graph's pool, to share it: `graph(other, pool=g.pool())`."""
        return self._must_be_captured().pool.handle

    @property
    def num_nodes(self) -> int:
        """Number of recorded ops. Only on the twin."""
        return len(self.nodes)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the recorded ops, in order. Only on the twin."""
        return tuple(node.name for node in self._captured.nodes) if self._captured else ()

    def dead_inputs(self) -> list[DeadInput]:
        """Return the inputs whose memory only this graph still holds: use after free on a GPU. Only on the twin."""
        return self._captured.inputs.dead() if self._captured else []

    def _must_be_captured(self) -> Recording:
        if self._captured is None:
            raise NoGraphError(FirstLine.POOL_TOO_EARLY, "A pool comes with a capture. graph_pool_handle() names one.")
        return self._captured

    def _begin(self, pool: Pool) -> None:
        host_reads = HostReads()
        self._recording = state.recording = Recording(pool, host_reads)
        self._capture_stream = current_stream()
        self._modes = ExitStack()
        self._modes.enter_context(no_seeding())
        self._modes.enter_context(host_reads)
        self._modes.enter_context(self._recording)

    def _stop(self) -> None:
        self._modes.close()
        self._recording = state.recording = None


class graph:  # noqa: N801  (torch's own spelling)
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
        synchronize()  # so a capture inside a capture fails here, as on CUDA
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


def _refuse_replay(recording: Recording, captured: Recording) -> None:
    hint = "A replay launches work, and during capture nothing is launched. Replay after the `with` block."
    if any(node.is_random for node in captured.nodes):
        raise CaptureError(FirstLine.REPLAY_WHILE_CAPTURING, hint)
    recording.refuse(FirstLine.UNSUPPORTED_900, hint)
