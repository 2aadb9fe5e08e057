"""What kind of thing a span is, by its lane and its name: our own names, and those of CUDA and HIP in a profiler trace.

A lane whose name begins with "GPU" is a stream; any other is a thread of the host. On the CPU "sync" and "wait" are
time in which it is blocked, the rest is work. A "copy" on the CPU is the call that asks for one: it returns at once for
pinned memory, and blocks for pageable memory. (The launch queue's "synchronize" is only what noticing costs: there the
waiting itself is a gap before the span.)

Not known: what a kernel computes, and whether a name was made up by somebody else in the style of ours.

>>> kind_of(Span("CPU", "cudaLaunchKernel", 0, 5)), kind_of(Span("CPU", "replay decode", 5, 8))
('launch', 'graph launch')
>>> kind_of(Span("GPU", "Memcpy HtoD (Pinned -> Device)", 0, 5)), kind_of(Span("CPU", "aten::mm", 0, 5))
('copy', 'host')
>>> us_by_kind(Timeline([Span("CPU", "aten::mm", 0, 20), Span("CPU", "cudaLaunchKernel", 8, 13)]), "CPU")
{'host': 15.0, 'launch': 5.0}
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from functools import lru_cache
from typing import Literal

from mini_lib.timing.nesting import flat
from mini_lib.timing.span import GPU, Span
from mini_lib.timing.timeline import Timeline

Kind = Literal["launch", "graph launch", "sync", "copy", "kernel", "host", "wait"]

# The first that matches counts. "cu" alone begins the driver's names; a version may follow (cuGraphLaunch_v2).
_ON_CPU: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("graph launch", re.compile(r"replay |(cuda|cu|hip)GraphLaunch")),
    ("copy", re.compile(r"launch copy |(cuda|cu|hip)Memcpy")),
    ("launch", re.compile(r"launch |(cuda|cu|hip)\w*Launch\w*Kernel|(cuda|cu|hip)Memset")),
    ("sync", re.compile(r"synchronize$|(cuda|cu|hip)\w*Synchronize")),
    ("wait", re.compile(r"wait |Command Buffer Full$")),
)
_COPY = re.compile(r"copy |Memcpy ")


def kind_of(span: Span) -> Kind:
    """Return what `span` is: on a GPU "kernel" or "copy" (a memset counts as a kernel), on the CPU never "kernel"."""
    if not span.lane.startswith(GPU):
        return kind_of_call(span.name)
    return "copy" if _COPY.match(span.name) else "kernel"


@lru_cache(maxsize=4096)
def kind_of_call(name: str) -> Kind:
    """Return what the CPU does in a span called `name`: "host" for all that has no name of its own here."""
    return next((kind for kind, pattern in _ON_CPU if pattern.match(name)), "host")


def us_by_kind(timeline: Timeline, lane: str) -> dict[Kind, float]:
    """Return how long `lane` was busy with what; a moment counts for the innermost span alone.

    The times add up to `timeline.busy_us(lane)`.
    """
    lengths: defaultdict[Kind, list[float]] = defaultdict(list)
    for span in flat(timeline.lane(lane)):
        lengths[kind_of(span)] += [span.end_us, -span.start_us]
    return {kind: math.fsum(ends) for kind, ends in lengths.items()}
