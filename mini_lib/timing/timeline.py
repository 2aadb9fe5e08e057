"""A timeline: who was busy when, on lanes that share one clock.

It is what a simulation computes, a profiler measures and a figure draws: the same value for all three. It holds spans
and answers questions about them; it knows no engine, no GPU and no figure.

>>> timeline = Timeline([Span("CPU", "launch", 0.0, 4.0), Span("GPU", "matmul", 6.0, 7.0)])
>>> timeline.duration_us, timeline.busy_us("GPU"), timeline.idle_us("GPU")
(7.0, 1.0, 6.0)
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mini_lib.timing import chrome_trace
from mini_lib.timing.nesting import flat
from mini_lib.timing.span import GPU, Span


@dataclass(frozen=True, init=False)
class Timeline:
    """Spans on named lanes, in the order in which they were given.

    Spans of one lane may overlap (two streams of one GPU): a moment counts as busy once. The timeline lasts from the
    first start to the last end on any lane, so a lane that waits for the others is idle, not absent.
    """

    spans: tuple[Span, ...]

    def __init__(self, spans: Iterable[Span]) -> None:
        object.__setattr__(self, "spans", tuple(spans))

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names of the lanes, in order of first appearance."""
        return tuple(dict.fromkeys(span.lane for span in self.spans))

    def lane(self, name: str) -> tuple[Span, ...]:
        """Return the spans of one lane by start, an empty tuple for a lane that did nothing."""
        return tuple(sorted((span for span in self.spans if span.lane == name), key=lambda span: span.start_us))

    @property
    def start_us(self) -> float:
        """When the first span of any lane starts, 0 for an empty timeline."""
        return min((span.start_us for span in self.spans), default=0.0)

    @property
    def end_us(self) -> float:
        """When the last span of any lane ends, 0 for an empty timeline."""
        return max((span.end_us for span in self.spans), default=0.0)

    @property
    def duration_us(self) -> float:
        """From the first start to the last end, over all lanes."""
        return self.end_us - self.start_us

    @property
    def gpu_lanes(self) -> tuple[str, ...]:
        """The lanes of a GPU's streams: those whose name begins with "GPU"."""
        return tuple(lane for lane in self.lanes if lane.startswith(GPU))

    def first(self, us: float) -> Timeline:
        """Return the first `us` microseconds: spans that reach beyond are cut off, later ones are left out.

        Raises:
            ValueError: `us` is not above 0.
        """
        if not us > 0:
            raise ValueError(f"the first {us} us of a timeline hold nothing: ask for more than 0.")
        return self.between(self.start_us, self.start_us + us)

    def between(self, start_us: float, end_us: float) -> Timeline:
        """Return what ran from `start_us` to `end_us`: spans that reach beyond are cut off.

        The clock stays the same. What is returned lasts from its first span to its last, as any timeline.
        """
        return Timeline(
            Span(span.lane, span.name, max(span.start_us, start_us), min(span.end_us, end_us))
            for span in self.spans
            if span.start_us < end_us and (span.end_us > start_us or span.start_us >= start_us)
        )

    def merged(self, lanes: Iterable[str], into: str) -> Timeline:
        """Return the timeline with all of `lanes` as one lane `into`: the streams of a GPU as one GPU, for example."""
        names = frozenset(lanes)
        return Timeline(replace(span, lane=into) if span.lane in names else span for span in self.spans)

    def flattened(self) -> Timeline:
        """Return the timeline with no two spans of a lane at once: a moment belongs to the one that began last.

        Where spans lie inside one another, as ops and calls do, that is the innermost. Busy times stay what they are.
        """
        return Timeline(span for lane in self.lanes for span in flat(self.lane(lane)))

    def idle(self, lane: str) -> tuple[Span, ...]:
        """Return the gaps of a lane as spans called "idle", those before its first and after its last span too."""
        gaps = []
        free_from_us = self.start_us
        for span in self.lane(lane):
            if span.start_us > free_from_us:
                gaps.append(Span(lane, "idle", free_from_us, span.start_us))
            free_from_us = max(free_from_us, span.end_us)
        if self.end_us > free_from_us:
            gaps.append(Span(lane, "idle", free_from_us, self.end_us))
        return tuple(gaps)

    def idle_us(self, lane: str) -> float:
        """How long nothing ran on `lane`. Idle and busy time add up to the duration."""
        return math.fsum(end for gap in self.idle(lane) for end in (gap.end_us, -gap.start_us))

    def busy_us(self, lane: str) -> float:
        """How long something ran on `lane`; where spans overlap, the time counts once."""
        # Summed exactly and rounded once, like the idle time: a difference of sums could fall below zero.
        ends_of_gaps = (end for gap in self.idle(lane) for end in (gap.start_us, -gap.end_us))
        return math.fsum((self.end_us, -self.start_us, *ends_of_gaps))

    def idle_share(self, lane: str) -> float:
        """The share of the duration in which `lane` was idle, from 0 to 1; 0 for a timeline of no length."""
        return self.idle_us(lane) / self.duration_us if self.duration_us else 0.0

    def overlap_us(self, one: str, other: str) -> float:
        """How long both lanes were busy at the same time."""
        either = self.merged((one, other), into=one)
        return max(0.0, self.busy_us(one) + self.busy_us(other) - either.busy_us(one))

    def to_chrome_trace(self) -> dict[str, Any]:
        """Return the timeline as a Chrome trace, which https://ui.perfetto.dev opens once it is saved as JSON."""
        return chrome_trace.from_spans(self.spans, self.lanes)

    @classmethod
    def from_chrome_trace(cls, trace: dict[str, Any]) -> Timeline:
        """Read a trace back. One that `to_chrome_trace` wrote comes back bit for bit, also through JSON.

        Raises:
            ValueError: `trace` is no Chrome trace.
        """
        return cls(chrome_trace.to_spans(trace))

    def save(self, path: str | Path) -> None:
        """Write the Chrome trace to `path`, by custom `something.trace.json`: drop that file on ui.perfetto.dev."""
        Path(path).write_text(json.dumps(self.to_chrome_trace()), encoding="utf-8")
