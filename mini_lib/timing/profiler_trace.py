"""A torch.profiler trace as a timeline: what the CPU asked for on the lane "CPU", what the GPU did on "GPU".

The CPU's lane holds the outermost ops of the threads that launch (in training those of the forward and of the backward
pass), and over them the calls into CUDA: launches, graph launches, copies, waits. They overlap, and a moment counts as
busy once; `Timeline.flattened` gives each moment to the innermost. Kernels, copies and memsets lie on the lane of
their stream: "GPU" is the one that worked longest, the others are called "GPU stream 7". Names are kept, times begin at
0.

Left out: annotations of users (they are around work and are none), Python functions, memory events, and what the
profiler itself took. So between two ops the CPU's lane is idle although Python runs: a trace taken with stacks gives
the same timeline as one without. Which call brought which work is no part of a timeline: `launched_by` reads it off the
correlation ids that a call and all of its work carry. Not seen by the profiler, and therefore missing here: kernels of
a graph that was launched before it started, and those of later rounds of a graph's loop.

>>> op = {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 9, "tid": 9, "ts": 1000.0, "dur": 20.0}
>>> call = {**op, "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": 1008.0, "dur": 6.0}
>>> kernel = {**op, "cat": "kernel", "name": "gemm", "pid": 0, "tid": 7, "ts": 1017.0, "dur": 30.0}
>>> for span in to_timeline({"traceEvents": [op, call, kernel]}).spans:
...     print(span.lane, span.name, span.start_us, span.end_us)
CPU aten::mm 0.0 20.0
CPU cudaLaunchKernel 8.0 14.0
GPU gemm 17.0 47.0
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mini_lib.timing.chrome_trace import events_of
from mini_lib.timing.kinds import kind_of
from mini_lib.timing.nesting import outermost
from mini_lib.timing.span import CPU, GPU, Span
from mini_lib.timing.timeline import Timeline

# The categories of libkineto (ActivityType.cpp), which writes the trace; HIP's calls are called "cuda_runtime" too.
_OPS, _CALLS, _WORK = ("cpu_op",), ("cuda_runtime", "cuda_driver"), ("kernel", "gpu_memcpy", "gpu_memset")
_OTHERS = ("python_function", "user_annotation", "gpu_user_annotation", "overhead", "cuda_sync", "Trace")
_QUEUE_IS_FULL = "Command Buffer Full"  # CUPTI counts it as an overhead; it is the CPU, blocked by a full launch queue

Event = Mapping[str, Any]


def is_profiler_trace(trace: Mapping[str, Any]) -> bool:
    """Return whether the Chrome trace `trace` is one that torch.profiler wrote, by the categories of its events.

    Raises:
        ValueError: `trace` is no Chrome trace.
    """
    known = {*_OPS, *_CALLS, *_WORK, *_OTHERS}
    return any(event.get("cat") in known for event in events_of(trace))


def to_timeline(trace: Mapping[str, Any]) -> Timeline:
    """Return the timeline of the trace: empty if it holds no op, no call and no work of a GPU."""
    events = _read_events(trace)
    zero_us = _zero_us(events)
    return Timeline([*_cpu_lane(events, zero_us), *(span for _, span in _gpu_work(events, zero_us))])


def launched_by(trace: Mapping[str, Any]) -> dict[Span, Span]:
    """Return for work of the timeline the call that brought it, both as spans of `to_timeline`.

    Work that was launched before the profiler began is left out, and so is what a trace of old says nothing about.
    """
    events = _read_events(trace)
    zero_us = _zero_us(events)
    calls = {_correlation(event): _span(CPU, event, zero_us) for event in events if event.get("cat") in _CALLS}
    works = ((_correlation(event), span) for event, span in _gpu_work(events, zero_us))
    return {span: calls[number] for number, span in works if number and number in calls}


def made_by(trace: Mapping[str, Any]) -> dict[str, str]:
    """Return what the trace says of its origin: the tool, and the device and the date where it names them."""
    origin = {"kind": "profiled", "tool": "torch.profiler"}
    devices = trace.get("deviceProperties")
    if isinstance(devices, list) and devices:
        origin["device"] = str(devices[0].get("name", "unknown"))
    first_us = next((event["ts"] for event in events_of(trace) if _is_complete(event)), 0.0)
    seconds = trace.get("baseTimeNanoseconds", 0) / 1e9 + first_us / 1e6
    if seconds > 1e9:  # else the times do not count from 1970
        origin["date"] = datetime.fromtimestamp(seconds, UTC).date().isoformat()
    return origin


def _cpu_lane(events: Sequence[Event], zero_us: float) -> list[Span]:
    """Return ops and calls of the threads that launch or wait, by start; of all threads if none does."""
    ops, calls = _by_thread(events, _OPS, zero_us), _by_thread(events, _CALLS, zero_us)
    drivers = [thread for thread, spans in calls.items() if any(kind_of(span) != "host" for span in spans)]
    spans = [span for kept in (ops, calls) for thread in drivers or list(kept) for span in outermost(kept[thread])]
    full = [_span(CPU, e, zero_us) for e in events if e.get("cat") == "overhead" and e.get("name") == _QUEUE_IS_FULL]
    return sorted([*spans, *full], key=lambda span: (span.start_us, -span.end_us))


def _gpu_work(events: Sequence[Event], zero_us: float) -> list[tuple[Event, Span]]:
    """Return the work of all streams, stream by stream in order of first use, the one that worked longest first."""
    streams: defaultdict[tuple[Any, Any], list[Event]] = defaultdict(list)
    for event in sorted((event for event in events if event.get("cat") in _WORK), key=lambda event: event["ts"]):
        arguments = event.get("args", {})
        streams[arguments.get("device", event.get("pid")), arguments.get("stream", event.get("tid"))].append(event)
    in_order = sorted(streams, key=lambda stream: -sum(event["dur"] for event in streams[stream]))[:1]
    in_order += [stream for stream in streams if stream not in in_order]
    return [(event, _span(_lane(one, in_order[0]), event, zero_us)) for one in in_order for event in streams[one]]


def _lane(stream: tuple[Any, Any], main: tuple[Any, Any]) -> str:
    device = "" if stream[0] == main[0] else f" {stream[0]}"
    return GPU if stream == main else f"{GPU}{device} stream {stream[1]}"


def _by_thread(events: Sequence[Event], categories: Sequence[str], zero_us: float) -> defaultdict[Any, list[Span]]:
    threads: defaultdict[Any, list[Span]] = defaultdict(list)
    for event in events:
        if event.get("cat") in categories:
            threads[event.get("pid"), event.get("tid")].append(_span(CPU, event, zero_us))
    return threads


def _read_events(trace: Mapping[str, Any]) -> list[Event]:
    known = {*_OPS, *_CALLS, *_WORK, "overhead"}
    return [event for event in events_of(trace) if event.get("cat") in known and _is_complete(event)]


def _zero_us(events: Sequence[Event]) -> float:
    return min((event["ts"] for event in events if event["cat"] != "overhead"), default=0.0)


def _correlation(event: Event) -> Any:
    """Return the number that a call and its work share; None or 0 where there is none."""
    return event.get("args", {}).get("correlation")


def _span(lane: str, event: Event, zero_us: float) -> Span:
    # The start is brought near 0 first: beside microseconds since 1970 a float has no room for a fine duration.
    start_us = float(event["ts"] - zero_us)
    return Span(lane, str(event.get("name", "")), start_us, start_us + event["dur"])


def _is_complete(event: Event) -> bool:
    """Return whether the event has a start and a length. Ops that never ended have none, or one below 0."""
    start_us, length_us = event.get("ts"), event.get("dur")
    is_long = isinstance(length_us, int | float) and length_us >= 0
    return event.get("ph") == "X" and isinstance(start_us, int | float) and is_long
