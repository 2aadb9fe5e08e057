"""What a timeline says of a program: the calls by which the CPU gives the GPU work or waits for it, and that work.

A lane whose name begins with "CPU" holds calls, every other lane the work of a stream. A wait counts as one that really
*waited* if work ended while it lasted: to wait for a GPU that is done already costs the GPU nothing. A copy call that
lasts until its copy is done (pageable memory) launches and waits in one.

The launch queue draws the end of a wait alone; a wait that begins at the very moment at which work ends is therefore
taken to have begun where the CPU did its last other thing.

Where the trace says which call brought which work (`launched_by`), a call that brought none is no launch: a memset of
no bytes, or a kernel that ran after the profiler had stopped.

Not read: what the CPU does between its calls, and which stream waits for which.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mini_lib.timing import CPU, Span, Timeline
from mini_lib.timing.kinds import kind_of

_FULL = "Command Buffer Full"  # the profiler's note inside a launch call: the CPU waits for a place, not for a result


class Work(NamedTuple):
    """A kernel or a copy on a stream of the GPU."""

    start_us: float
    end_us: float
    name: str
    is_copy: bool
    lane: str


class Call(NamedTuple):
    """A call of the CPU: it brings work ("work"), a graph ("graph") or nothing (""), and it may have waited."""

    start_us: float
    end_us: float
    brings: str
    waits: bool = False
    waited: bool = False


Pairs = Mapping[int, tuple[Work, ...]]
"""The work that calls brought, by the place of the call among the calls."""


class Reading(NamedTuple):
    """The calls and the work of a timeline, each by start. `known`: the work of calls, by place, as the trace says."""

    calls: tuple[Call, ...]
    works: tuple[Work, ...]
    known: Pairs

    @property
    def launches(self) -> list[Call]:
        """The calls that bring work."""
        return [call for call in self.calls if call.brings]

    def drains(self) -> list[float]:
        """Return the ends of the waits after which the GPU had nothing left to do."""
        started = [work.start_us for work in self.works]
        busy_until = _running_maximum(work.end_us for work in self.works)
        waits = [call for call in self.calls if call.waited and call.end_us > call.start_us]
        places = [(call.end_us, bisect_left(started, call.end_us)) for call in waits]
        return [end_us for end_us, place in places if place and busy_until[place - 1] <= end_us]


def read(timeline: Timeline, launched_by: Mapping[Span, Span] | None = None) -> Reading:
    """Return the calls and the work of `timeline`."""
    on_cpu = sorted((s for s in timeline.spans if s.lane.startswith(CPU)), key=lambda s: (s.start_us, s.end_us))
    on_gpu = sorted((s for s in timeline.spans if not s.lane.startswith(CPU)), key=lambda s: s.start_us)
    work_of = {s: Work(s.start_us, s.end_us, s.name, kind_of(s) == "copy", s.lane) for s in on_gpu}
    works = tuple(work_of[span] for span in on_gpu)
    brought: defaultdict[Span, list[Work]] = defaultdict(list)
    for span in on_gpu:
        if launched_by and span in launched_by:
            brought[launched_by[span]].append(work_of[span])
    found = [(s, call) for s, call in _calls(on_cpu, works) if not launched_by or s in brought or not call.brings]
    known = {place: tuple(brought[span]) for place, (span, _) in enumerate(found) if span in brought}
    return Reading(tuple(call for _, call in found), works, known)


def _calls(on_cpu: Sequence[Span], works: Sequence[Work]) -> Iterator[tuple[Span, Call]]:
    ends = sorted(work.end_us for work in works)
    copies = sorted((work.start_us, work.end_us) for work in works if work.is_copy)
    free_from_us = min((span.start_us for span in on_cpu), default=0.0)
    for span in on_cpu:
        kind = kind_of(span)
        if kind in ("launch", "graph launch"):
            yield span, Call(span.start_us, span.end_us, "work" if kind == "launch" else "graph")
        elif kind == "copy":
            blocks = _holds_a_copy(copies, span)
            yield span, Call(span.start_us, span.end_us, "work", blocks, blocks)
        elif kind in ("sync", "wait") and span.name != _FULL:
            start_us = free_from_us if _has(ends, span.start_us) and free_from_us < span.start_us else span.start_us
            waited = bisect_right(ends, span.end_us) > bisect_right(ends, start_us)
            yield span, Call(start_us, span.end_us, "", True, waited)
        free_from_us = max(free_from_us, span.end_us)


def _holds_a_copy(copies: Sequence[tuple[float, float]], span: Span) -> bool:
    place = bisect_left(copies, (span.start_us, span.start_us))
    return place < len(copies) and copies[place][1] <= span.end_us


def _has(ordered: Sequence[float], value: float) -> bool:
    place = bisect_left(ordered, value)
    return place < len(ordered) and ordered[place] == value


def _running_maximum(values: Iterator[float]) -> list[float]:
    found: list[float] = []
    for value in values:
        found.append(max(value, found[-1]) if found else value)
    return found
