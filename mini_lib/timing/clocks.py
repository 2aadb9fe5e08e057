"""Clocks: what time it is, and waiting until it is later, on a wall or in a computation.

A scheduler asks a clock who has arrived; a program that only computes times hands it a virtual one, and so a test of
a minute of traffic takes no time at all. Not modelled: time zones, clocks that drift, more than one waiter.

>>> clock = VirtualClock()
>>> clock.advance_us(2.5)
>>> clock.wait_until_us(10.0)
>>> clock.wait_until_us(4.0)  # has passed: nobody waits
>>> clock.now_us()
10.0
"""

from __future__ import annotations

import math
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the microseconds since its start, and waits."""

    def now_us(self) -> float:
        """Return the time since the clock's start. It never goes backwards."""

    def wait_until_us(self, until_us: float) -> None:
        """Return at `until_us` or later; at once if that has passed."""


class WallClock:
    """Real time, from 0 at its creation. Waiting sleeps."""

    def __init__(self) -> None:
        self._start_ns = time.perf_counter_ns()

    def now_us(self) -> float:
        """Return the real time since the clock was made."""
        return (time.perf_counter_ns() - self._start_ns) / 1000

    def wait_until_us(self, until_us: float) -> None:
        """Sleep until `until_us`."""
        # In a loop: the operating system's clock may be a little coarser than ours.
        while (left_us := until_us - self.now_us()) > 0:
            time.sleep(left_us / 1e6)


class VirtualClock:
    """Time that moves when it is told to, from 0: work moves it on by `advance_us`, and waiting takes no time."""

    def __init__(self) -> None:
        self._now_us = 0.0

    def now_us(self) -> float:
        """Return the time that was reached so far."""
        return self._now_us

    def advance_us(self, us: float) -> None:
        """Let `us` pass.

        Raises:
            ValueError: `us` is negative or not finite.
        """
        if not (math.isfinite(us) and us >= 0):
            raise ValueError(f"{us} us cannot pass: it must be a finite number, 0 or more.")
        self._now_us += us

    def wait_until_us(self, until_us: float) -> None:
        """Move on to `until_us`; do nothing if that has passed."""
        self.advance_us(max(0.0, until_us - self._now_us))
        # Exactly: rounding in the difference must not leave the clock a hair before what was waited for.
        self._now_us = max(self._now_us, until_us)
