"""The object that a capture fills and a replay runs, with the name, signatures and refusals of `torch.cuda.CUDAGraph`.

It is empty, then capturing, then captured; `reset` makes it empty again. A capture that was refused leaves it empty.

Not modelled: see `mini_lib.graphs.recorder`, where students meet it.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import NoReturn

import torch

from mini_lib.graphs.errors import EMPTY_GRAPH_WARNING, CaptureError, FirstLine, NoGraphError
from mini_lib.graphs.host_reads import HostReads, no_seeding
from mini_lib.graphs.inputs import DeadInput
from mini_lib.graphs.pool import Pool, PoolHandle, pool_of
from mini_lib.graphs.recording import Recording
from mini_lib.graphs.replaying import check_alive, run
from mini_lib.graphs.streams import current_stream, default_stream, refuse_waiting, state


class CUDAGraph:
    """A recorded sequence of kernels. Fill it with `with graph(g): ...`, run it with `g.replay()`."""

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
        self._check_modes()
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
        self._depth = _mode_depth()

    def _check_modes(self) -> None:
        """Refuse to end inside a torch mode that began after the capture: the modes are a stack, ours is under it."""
        if _mode_depth() != self._depth:
            raise CaptureError(
                FirstLine.TWIN_ONLY,
                "The capture would end inside a `with` that is a torch mode (torch.device, a counter of ops) and that "
                "began after it. Put that `with` around the whole capture, or end it before.",
            )

    def _stop(self) -> None:
        self._modes.close()
        self._recording = state.recording = None


def _mode_depth() -> tuple[int, int]:
    return torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack()


def _refuse_replay(recording: Recording, captured: Recording) -> NoReturn:
    hint = "A replay launches work, and during capture nothing is launched. Replay after the `with` block."
    if any(node.is_random for node in captured.nodes):
        raise CaptureError(FirstLine.REPLAY_WHILE_CAPTURING, hint)
    recording.refuse(FirstLine.UNSUPPORTED_900, hint)
