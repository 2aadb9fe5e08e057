"""Streams and events by name: enough for the idioms around capture, on a CPU that does one thing after another.

A capture must not run on the default stream, and warm-up belongs on a side stream. Here each call runs at once on
whatever stream is current, so waiting has nothing to wait for; what is kept is *which* stream is current, and that
nobody may wait for the GPU while a capture is under way.

Not modelled: time, priorities, several devices, work that runs later (a lazy and a process policy come with the event
loops), fork and join of streams inside a capture. Each thread has its own current stream and its own capture.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mini_lib.graphs.errors import FirstLine
from mini_lib.graphs.recording import Recording

_next_stream_id = itertools.count()


class Stream:
    """A queue of work on the device. Here: a name."""

    def __init__(self, device: object = None, priority: int = 0) -> None:
        self.stream_id = next(_next_stream_id)
        self.priority = priority

    def wait_stream(self, stream: Stream) -> None:
        """Let later work of this stream wait for what `stream` holds by now."""

    def wait_event(self, event: Event) -> None:
        """Let later work of this stream wait for `event`."""

    def record_event(self, event: Event | None = None) -> Event:
        """Return an event that is reached when the work so far is done."""
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        """Wait on the CPU until this stream is empty. Refused during capture."""
        refuse_waiting("Stream.synchronize()")

    def query(self) -> bool:
        """Tell whether this stream is empty. Refused during capture."""
        refuse_waiting("Stream.query()")
        return True

    def __repr__(self) -> str:
        return f"<mini_lib.graphs.recorder.Stream {self.stream_id}>"


class Event:
    """A mark in a stream."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self.enable_timing = enable_timing
        self._recorded_s: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind the work that `stream` holds by now."""
        self._recorded_s = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work of `stream` wait for the mark."""

    def synchronize(self) -> None:
        """Wait on the CPU until the mark is reached. Refused during capture."""
        refuse_waiting("Event.synchronize()")

    def query(self) -> bool:
        """Tell whether the mark is reached. Refused during capture."""
        refuse_waiting("Event.query()")
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this mark to `end_event`: of CPU time here, for the CPU does the work."""
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._recorded_s is None or end_event._recorded_s is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event._recorded_s - self._recorded_s) * 1e3


class _ThreadState(threading.local):
    """What CUDA keeps per thread, too: the current stream. And the capture under way, of which there is one at most."""

    def __init__(self) -> None:
        self.stream = _default_stream
        self.recording: Recording | None = None


def default_stream(device: object = None) -> Stream:
    """Return the stream that everything runs on unless told otherwise, and that cannot be captured."""
    return _default_stream


def current_stream(device: object = None) -> Stream:
    """Return the stream that work of this thread goes to now."""
    return state.stream


def set_stream(stream: Stream) -> None:
    """Let work of this thread go to `stream` from now on."""
    state.stream = stream


@contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Let work inside the block go to `stream` (None: change nothing)."""
    before = state.stream
    state.stream = stream or before
    try:
        yield
    finally:
        state.stream = before


def synchronize(device: object = None) -> None:
    """Wait on the CPU until the device is idle. Refused during capture."""
    refuse_waiting("synchronize()")


def is_current_stream_capturing() -> bool:
    """Tell whether a capture is under way here."""
    return state.recording is not None


def refuse_waiting(call: str) -> None:
    """Raise CUDA's error 900 if a capture is under way, and spoil the capture."""
    if state.recording is not None:
        state.recording.refuse(
            FirstLine.UNSUPPORTED_900,
            f"{call} waits for the GPU, and during capture the GPU has been given nothing to do. "
            "Wait before the capture or after the replay.",
        )


_default_stream = Stream()
state = _ThreadState()
