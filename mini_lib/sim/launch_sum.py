"""Launches folded together: what a row of them costs the CPU and the GPU, with attention's time left open.

A row of launches keeps one *line* per launch: when the GPU would be done with the row if it waited for that launch
last, as a number of attention kernels still to run, times what one takes, plus microseconds. The latest of them counts,
so only lines on the upper hull matter; which one it is depends on attention's time alone.

Not modelled: a launch that waits for a place in the queue.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mini_lib.withheld import withheld_in

Line = tuple[int, float]  # (attention kernels, microseconds): worth microseconds + kernels * what one takes


class LaunchSum(NamedTuple):
    """A row of launches. The GPU's time has the gap before each launch in it, and no time of attention kernels.

    Attributes:
        cpu_us: CPU time of all launches.
        gpu_us: GPU time, gaps included, attention not.
        busy_us: the kernels of it.
        reads: attention kernels among them.
        kernels: launched one by one.
        graphs: launched.
        lines: for each launch, from the start of launching to the end of the GPU's work, if that launch is waited for.
    """

    cpu_us: float
    gpu_us: float
    busy_us: float
    reads: int
    kernels: int
    graphs: int
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, rows: Sequence[LaunchSum]) -> LaunchSum:
        """Return the rows one after the other: each begins later by the CPU time of those before it, and ends earlier.

        >>> one = LaunchSum(4.0, 2.0, 1.0, 0, 1, 0, ((0, 5.0),))
        >>> LaunchSum.of([one, one]).lines
        ((0, 7.0), (0, 9.0))
        """
        lines: list[Line] = []
        cpu_us, gpu_us = 0.0, sum(row.gpu_us for row in rows)
        reads = sum(row.reads for row in rows)
        busy_us, total_us, total_reads = sum(row.busy_us for row in rows), gpu_us, reads
        for row in rows:
            gpu_us, reads = gpu_us - row.gpu_us, reads - row.reads
            lines += [(count + reads, us + cpu_us + gpu_us) for count, us in row.lines]
            cpu_us += row.cpu_us
        kernels, graphs = sum(row.kernels for row in rows), sum(row.graphs for row in rows)
        return cls(cpu_us, total_us, busy_us, total_reads, kernels, graphs, tuple(lines))

    @withheld_in("lab01")
    def repeated(self, times: int) -> LaunchSum:
        """Return the row `times` times, 0 or more.

        A launch arrives later in each copy by the same time, and has less work behind it by the same time. Its lines
        therefore change by equal amounts from copy to copy, and the latest belongs to the first copy or to the last.
        """
        rest = times - 1
        first = [(count + rest * self.reads, us + rest * self.gpu_us) for count, us in self.lines if times]
        last = [(count, us + rest * self.cpu_us) for count, us in self.lines if times > 1]
        return LaunchSum(
            times * self.cpu_us,
            times * self.gpu_us,
            times * self.busy_us,
            times * self.reads,
            times * self.kernels,
            times * self.graphs,
            tuple(first + last),
        )

    def upper(self) -> LaunchSum:
        """Return the row with those lines alone that may be the largest: what it is worth does not change."""
        return self._replace(lines=Hull(self.lines).lines)


class Hull:
    """The largest of some lines, for every time that attention may take.

    >>> hull = Hull([(0, 10.0), (1, 9.0), (1, 4.0), (2, 6.0)])
    >>> [hull.at(us) for us in (0.0, 1.0, 2.0, 5.0)], len(hull)
    ([10.0, 10.0, 11.0, 16.0], 3)
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        highest: dict[int, float] = {}
        for count, us in lines:
            highest[count] = max(us, highest.get(count, us))
        self._lines: list[Line] = []
        self._from_us: list[float] = []  # where each line but the first becomes the largest
        for line in sorted(highest.items()):
            while self._from_us and _meet_us(self._lines[-1], line) <= self._from_us[-1]:
                self._lines.pop()
                self._from_us.pop()
            if self._lines:
                self._from_us.append(_meet_us(self._lines[-1], line))
            self._lines.append(line)

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that are the largest somewhere, the flattest first."""
        return tuple(self._lines)

    def at(self, attention_us: float) -> float:
        """Return the largest line, if one attention kernel takes `attention_us`."""
        count, us = self._lines[bisect_right(self._from_us, attention_us)]
        return us + count * attention_us


def _meet_us(flat: Line, steep: Line) -> float:
    """Return where the steeper line overtakes the flatter one."""
    return (flat[1] - steep[1]) / (steep[0] - flat[0])
