"""The ungraded exercises of the notebooks: their cases, the wrong ideas that they know by name, their hints.

One file per notebook, named like it. Each exercise is answered in one to six lines. What the labs ask for is not here.
"""

from mini_lib.learn.practice.capture_sizes import GRAPHS_AFFORDABLE, WORST_BATCH
from mini_lib.learn.practice.full_or_piecewise import GRAPHS_RECORDED, TWO_COLUMNS, WHAT_RUNS
from mini_lib.learn.practice.launch_bound import SAVED_US, US_PER_CALL
from mini_lib.learn.practice.mini_engine import RUN_ORDER, SLOT_OF
from mini_lib.learn.practice.overlap import OVERLAPS, ROWS_COMPUTED
from mini_lib.learn.practice.record_once import DOUBLE_IF_LARGE, REPLAY_WITH
from mini_lib.learn.practice.start_here import KERNEL_START, LAUNCH_BOUND

__all__ = [
    "DOUBLE_IF_LARGE",
    "GRAPHS_AFFORDABLE",
    "GRAPHS_RECORDED",
    "KERNEL_START",
    "LAUNCH_BOUND",
    "OVERLAPS",
    "REPLAY_WITH",
    "ROWS_COMPUTED",
    "RUN_ORDER",
    "SAVED_US",
    "SLOT_OF",
    "TWO_COLUMNS",
    "US_PER_CALL",
    "WHAT_RUNS",
    "WORST_BATCH",
]
