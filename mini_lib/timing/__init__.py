"""When things happen: spans on lanes, a launch queue that computes them, traces that Perfetto opens.

Standard library only. Times are microseconds, and each comes from a computation with stated costs or from a
measurement; of all that is here only `WallClock` sleeps and reads a clock.
"""

from mini_lib.timing.clocks import Clock, VirtualClock, WallClock
from mini_lib.timing.costs import ASSUMED, LaunchCosts
from mini_lib.timing.decode_step import DecodeStep, decode_step
from mini_lib.timing.kinds import Kind, kind_of, us_by_kind
from mini_lib.timing.launch_queue import Kernel, LaunchQueue
from mini_lib.timing.span import CPU, GPU, Span
from mini_lib.timing.streams import Event
from mini_lib.timing.timeline import Timeline
from mini_lib.timing.trace_file import TraceFile, read_trace

__all__ = [
    "ASSUMED",
    "CPU",
    "GPU",
    "Clock",
    "DecodeStep",
    "Event",
    "Kernel",
    "Kind",
    "LaunchCosts",
    "LaunchQueue",
    "Span",
    "Timeline",
    "TraceFile",
    "VirtualClock",
    "WallClock",
    "decode_step",
    "kind_of",
    "read_trace",
    "us_by_kind",
]
