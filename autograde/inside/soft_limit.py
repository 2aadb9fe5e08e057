"""The interrupt that ends a student's code when its time is up, as Ctrl-C does: a KeyboardInterrupt in the midst of it.

A frame that is cut in two would end the conversation with the tester. So the interrupt waits while frames go to and
fro, and comes when the student's code goes on. What cannot be interrupted (a computation in C, code that catches
everything) is ended from outside, a little later.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class SoftLimit:
    """A timer of this process. It rings once, and only while `during` holds."""

    def __init__(self) -> None:
        self._armed = self._held = self._late = False
        signal.signal(signal.SIGALRM, self._ring)

    @contextlib.contextmanager
    def during(self, seconds: float) -> Iterator[None]:
        """Interrupt what runs in this context after `seconds`; within another one the outer time goes on."""
        outer = self._armed, self._held
        self._armed, self._held = True, False
        if not outer[0]:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        try:
            yield
        finally:
            self._armed, self._held = outer
            if not outer[0]:
                signal.setitimer(signal.ITIMER_REAL, 0)
                self._late = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the interrupt wait until this context ends."""
        outer, self._held = self._held, True
        try:
            yield
        finally:
            self._held = outer
        if self._late and self._armed and not self._held:
            self._late = False
            raise KeyboardInterrupt

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._armed and not self._held:
            raise KeyboardInterrupt
        self._late = self._armed
