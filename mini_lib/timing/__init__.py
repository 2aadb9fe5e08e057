"""When things happen: spans on lanes, a launch queue that computes them, traces that Perfetto opens.

Standard library only. Times are microseconds, and each comes from a computation with stated costs or from a
measurement; nothing here sleeps or reads a clock.
"""

from mini_lib.timing.costs import ASSUMED, LaunchCosts
from mini_lib.timing.decode_step import DecodeStep, decode_step
from mini_lib.timing.launch_queue import Kernel, LaunchQueue
from mini_lib.timing.span import CPU, GPU, Span
from mini_lib.timing.timeline import Timeline

__all__ = [
    "ASSUMED",
    "CPU",
    "GPU",
    "DecodeStep",
    "Kernel",
    "LaunchCosts",
    "LaunchQueue",
    "Span",
    "Timeline",
    "decode_step",
]
