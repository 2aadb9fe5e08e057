"""Spans to and from the Chrome trace format, which Perfetto and chrome://tracing open.

Each lane becomes a named thread of one process, each span a complete event ("ph": "X") with its start `ts` and its
duration `dur` in microseconds. A start and a duration do not always add up to the very same end in floating point, so
our events also carry the end itself in `args.end_us`; events of other tools do without.

Not modelled: begin/end pairs, flows, counters, nesting. Reading a foreign trace takes its complete events only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mini_lib.timing.span import Span

_PROCESS = 1  # one process: all lanes lie under one heading
_Thread = tuple[Any, Any]


def from_spans(spans: Sequence[Span], lanes: Sequence[str]) -> dict[str, Any]:
    """Return a trace, ready for `json.dump`, with `lanes` from top to bottom in the given order."""
    thread_of = {lane: number for number, lane in enumerate(lanes, start=1)}
    headings = [event for lane, thread in thread_of.items() for event in _heading(lane, thread)]
    return {
        "displayTimeUnit": "ns",
        "traceEvents": [*headings, *(_complete_event(span, thread_of[span.lane]) for span in spans)],
    }


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


def _complete_event(span: Span, thread: int) -> dict[str, Any]:
    place = {"ph": "X", "pid": _PROCESS, "tid": thread, "cat": span.lane}
    times = {"ts": span.start_us, "dur": span.duration_us, "args": {"end_us": span.end_us}}
    return {**place, "name": span.name, **times}


def _span(event: Mapping[str, Any], lane_of: Mapping[_Thread, str]) -> Span:
    start_us = event["ts"]
    end_us = event.get("args", {}).get("end_us", start_us + event.get("dur", 0))
    return Span(lane_of.get(_thread(event), str(event.get("tid"))), event.get("name", ""), start_us, end_us)


def _names_a_thread(event: Mapping[str, Any]) -> bool:
    # The phase decides, not the name alone: a span may be called "thread_name" as well.
    return event.get("ph") == "M" and event.get("name") == "thread_name"


def _thread(event: Mapping[str, Any]) -> _Thread:
    return event.get("pid"), event.get("tid")
