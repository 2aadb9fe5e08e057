"""The GPU itself: streams and events of `torch.cuda`, as thin as may be.

A launch runs the kernel's Python on the CPU, under its stream; that queues GPU work, or replays a graph, and returns.
Two timing events around each launch tell later when the GPU did it.

Not modelled: moving a tensor to another stream (`record_stream`). Kernels work on tensors that live as long as they.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mini_lib.graphs.policies.work import MAX_SPANS, Kernel, Launch, Outcome, WorkLog, in_words
from mini_lib.timing import Span

Event = Any  # torch.cuda.Event
CudaStream = Any  # torch.cuda.Stream


class _Timed(NamedTuple):
    """A launch whose times the GPU has or will have."""

    name: str
    begin: Event
    end: Event


class CudaDevice:
    """Queues work on CUDA streams."""

    def __init__(self) -> None:
        self._log = WorkLog()
        self._timed: deque[_Timed] = deque(maxlen=MAX_SPANS)
        self._streams: list[CudaStream] = []

    def start(self, kernels: Sequence[Kernel]) -> None:
        """Let everything that was queued before finish, and read both clocks at once."""
        self._origin = torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()  # weights and graphs were made on other streams, which ours do not wait for
        self._origin.record()
        self._origin.synchronize()
        self._origin_ns = time.perf_counter_ns()

    def new_stream(self, name: str) -> CudaStream:
        """Return a stream that is really another one: torch hands out 32 in turn, and then the first again."""
        taken = {stream.cuda_stream for stream in self._streams}
        candidates = (torch.cuda.Stream() for _ in range(len(taken) + 1))
        new = next((stream for stream in candidates if stream.cuda_stream not in taken), None)
        if new is None:
            raise RuntimeError(f"torch has no further CUDA stream for {name!r}: {len(taken)} are in use here.")
        self._streams.append(new)
        return new

    def launch(self, stream: CudaStream, launch: Launch) -> None:
        """Run the kernel's Python under `stream`. A Python error is kept for whoever waits next."""
        if self._log.failure:
            return
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        try:
            with torch.cuda.stream(stream), torch.no_grad():
                begin.record(stream)
                launch.kernel.fn(*launch.args)
                end.record(stream)
        except Exception:
            self._log.failure = in_words(launch.name, traceback.format_exc())
            return
        self._timed.append(_Timed(launch.name, begin, end))

    def mark(self, stream: CudaStream) -> Event:
        """Return a fresh event."""
        event = torch.cuda.Event()
        event.record(stream)
        return event

    def wait(self, stream: CudaStream, mark: Event) -> None:
        """Let the GPU wait, not the CPU."""
        stream.wait_event(mark)

    def synchronize(self, mark: Event) -> None:
        """Wait for the GPU."""
        mark.synchronize()
        self._log.check()

    def query(self, mark: Event) -> bool:
        """Ask the GPU."""
        self._log.check()
        return bool(mark.query())

    def drain(self) -> None:
        """Wait for our streams."""
        for stream in self._streams:
            stream.synchronize()
        self._log.check()

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Pinned memory: copies to and from it need not make the CPU wait."""
        return torch.zeros(tuple(shape), dtype=dtype, pin_memory=True)

    def spans(self) -> list[Span]:
        """Measured by the GPU, laid on the CPU's clock at the start. Work that is not done yet is left out."""
        while self._timed and self._timed[0].end.query():
            name, begin, end = self._timed.popleft()
            self._log.note(name, Outcome(self._at_ns(begin), self._at_ns(end)))
        return self._log.spans()

    def close(self) -> None:
        """Wait until nothing of ours runs any more: its memory may be freed next."""
        for stream in self._streams:
            stream.synchronize()
        self._streams.clear()

    def _at_ns(self, event: Event) -> int:
        return self._origin_ns + int(self._origin.elapsed_time(event) * 1e6)
