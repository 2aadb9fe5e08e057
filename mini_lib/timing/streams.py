"""Streams and events in virtual time: what a GPU does in order, and how one order waits for another.

Work of one stream runs in the order of its launches. Two streams know nothing of one another, until one of them waits
for an event: a mark that the other has passed when all that was launched on it before the mark is done.

Not modelled: kernels of two streams that share the multiprocessors (each runs as fast as if it were alone),
priorities, and the microseconds that a GPU takes to see an event of another stream.

>>> side = Stream("side")
>>> side.run(us=5.0, gap_us=1.0, arrival_us=10.0), side.done_us
(10.0, 15.0)
>>> side.run(us=5.0, gap_us=1.0, arrival_us=12.0), side.done_us
(16.0, 21.0)
>>> main = Stream("main")
>>> main.wait_for(side.mark(now_us=13.0))
>>> main.run(us=5.0, gap_us=1.0, arrival_us=14.0)
21.0
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A mark on a stream. `done_us` is when the GPU passes it: all that was launched before it is done then."""

    stream: str
    done_us: float


class Stream:
    """A stream of a GPU, empty at first. `done_us` is when all that was launched on it will be done."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.done_us = -math.inf  # nothing ran yet, so the first kernel owes nobody a gap
        self._held_until_us = -math.inf

    def run(self, us: float, gap_us: float, arrival_us: float) -> float:
        """Let the stream work for `us`, `gap_us` or more after its last work; return when that starts."""
        start_us = max(self.done_us + gap_us, arrival_us, self._held_until_us)
        self.done_us = start_us + us
        return start_us

    def mark(self, now_us: float) -> Event:
        """Return an event behind all that was launched, and behind what the stream waits for."""
        return Event(self.name, max(now_us, self.done_us, self._held_until_us))

    def wait_for(self, event: Event) -> None:
        """Start nothing that is launched from here on before `event` has been passed."""
        self._held_until_us = max(self._held_until_us, event.done_us)
