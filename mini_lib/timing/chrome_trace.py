"""Spans to and from the Chrome trace format, which Perfetto and chrome://tracing open.

Each lane becomes a named thread of one process, each span a complete event ("ph": "X") with its start `ts` and its
duration `dur` in microseconds. Perfetto drops a span that overlaps another halfway, be it by a nanosecond. So times are
rounded to whole nanoseconds, start and end alike, and spans that really overlap get a further thread of the same name.
The times as they were are in `args`: `start_us` and `end_us`. Events of other tools do without.

Not modelled: begin/end pairs, flows, counters. Reading a foreign trace takes its complete events only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from mini_lib.timing.span import Span

_PROCESS = 1  # one process: all lanes lie under one heading
_FIRST_THREAD = 101  # viewers write the number behind a lane's name, and "GPU 2" would be read as the second GPU
_Thread = tuple[Any, Any]


def from_spans(spans: Sequence[Span], lanes: Sequence[str]) -> dict[str, Any]:
    """Return a trace, ready for `json.dump`, with `lanes` from top to bottom in the given order."""
    rows = _rows(spans)
    taken = sorted({(lanes.index(span.lane), row) for span, row in zip(spans, rows, strict=True)})
    thread_of = {(lanes[lane], row): number for number, (lane, row) in enumerate(taken, start=_FIRST_THREAD)}
    process = {"ph": "M", "pid": _PROCESS, "name": "process_name", "args": {"name": "launch-bound"}}
    headings = [event for (lane, _), thread in thread_of.items() for event in _heading(lane, thread)]
    complete = (_complete_event(span, thread_of[span.lane, row]) for span, row in zip(spans, rows, strict=True))
    return {"displayTimeUnit": "ns", "traceEvents": [process, *headings, *complete]}


def to_spans(trace: Mapping[str, Any]) -> list[Span]:
    """Return the complete events of `trace` as spans, each on the lane that its thread is named after.

    Raises:
        ValueError: there is no list of events under "traceEvents".
    """
    events = events_of(trace)
    lane_of = {_thread(event): event["args"]["name"] for event in events if _names_a_thread(event)}
    return [_span(event, lane_of) for event in events if event.get("ph") == "X"]


def events_of(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of `trace`, whatever they are.

    Raises:
        ValueError: there is no list of events under "traceEvents".
    """
    events = trace.get("traceEvents") if isinstance(trace, Mapping) else None
    if not isinstance(events, list):
        raise ValueError(
            'this is no Chrome trace: it holds no list of events under "traceEvents". '
            "Pass the parsed JSON of a trace file, as Timeline.to_chrome_trace returns it."
        )
    return events


def _heading(lane: str, thread: int) -> list[dict[str, Any]]:
    """Name a thread after its lane, and keep the lanes in our order instead of the viewer's."""
    place = {"ph": "M", "pid": _PROCESS, "tid": thread}
    return [
        {**place, "name": "thread_name", "args": {"name": lane}},
        {**place, "name": "thread_sort_index", "args": {"sort_index": thread}},
    ]


def _rows(spans: Sequence[Span]) -> list[int]:
    """Return a row for each span: on one row of a lane, spans lie one after the other or one inside the other."""
    rows = [0] * len(spans)
    open_until: defaultdict[tuple[str, int], list[int]] = defaultdict(list)  # the ends of what is open, inner last
    for place in sorted(range(len(spans)), key=lambda place: (_ns(spans[place].start_us), -_ns(spans[place].end_us))):
        start_ns, end_ns = _ns(spans[place].start_us), _ns(spans[place].end_us)
        for row in count():
            ends = open_until[spans[place].lane, row]
            while ends and ends[-1] <= start_ns:
                ends.pop()
            if not ends or end_ns <= ends[-1]:
                break
        ends.append(end_ns)
        rows[place] = row
    return rows


def _complete_event(span: Span, thread: int) -> dict[str, Any]:
    start_ns, end_ns = _ns(span.start_us), _ns(span.end_us)
    place = {"ph": "X", "pid": _PROCESS, "tid": thread, "cat": span.lane}
    exact = {"start_us": span.start_us, "end_us": span.end_us}
    return {**place, "name": span.name, "ts": start_ns / 1000, "dur": (end_ns - start_ns) / 1000, "args": exact}


def _ns(us: float) -> int:
    return round(us * 1000)


def _span(event: Mapping[str, Any], lane_of: Mapping[_Thread, str]) -> Span:
    exact = event.get("args") or {}
    start_us = exact.get("start_us", event["ts"])
    end_us = exact.get("end_us", start_us + event.get("dur", 0))
    return Span(lane_of.get(_thread(event), str(event.get("tid"))), event.get("name", ""), start_us, end_us)


def _names_a_thread(event: Mapping[str, Any]) -> bool:
    # The phase decides, not the name alone: a span may be called "thread_name" as well.
    return event.get("ph") == "M" and event.get("name") == "thread_name"


def _thread(event: Mapping[str, Any]) -> _Thread:
    return event.get("pid"), event.get("tid")
