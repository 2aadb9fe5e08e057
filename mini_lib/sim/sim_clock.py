"""The CPU's time in a simulation: a virtual clock whose time may be read and set, so that it is computed elsewhere.

>>> clock = SimClock()
>>> clock.us += 2.5
>>> clock.wait_until_us(10.0)
>>> clock.now_us()
10.0
"""

from __future__ import annotations

from mini_lib.timing.clocks import VirtualClock


class SimClock(VirtualClock):
    """A virtual clock with its time in the open, as `us`. Whoever sets it never turns it back."""

    @property
    def us(self) -> float:
        """The time that the CPU has reached, in microseconds."""
        return self._now_us

    @us.setter
    def us(self, us: float) -> None:
        self._now_us = us
