"""Who runs next: requests, continuous batching, and the two event loops. Standard library only.

`Scheduler` makes batches and reads their tokens, `event_loop_normal` and `event_loop_overlap` drive it and a runner.
What the two say to each other is in `batch`. `FAMILIES` are workloads for tests; `traffic` and `summarize` are for
measurements.
"""

from mini_lib.scheduling.batch import (
    FUTURE_TOKEN,
    ModelRunnerOutput,
    NewToken,
    Runner,
    ScheduledRequest,
    SchedulerOutput,
)
from mini_lib.scheduling.config import SchedulerConfig
from mini_lib.scheduling.event_loops import event_loop_normal, event_loop_overlap
from mini_lib.scheduling.metrics import ServingSummary, Spread, summarize
from mini_lib.scheduling.requests import Request, RequestStatus
from mini_lib.scheduling.scheduler import Scheduler
from mini_lib.scheduling.traffic import Lengths, bursty, offline_ramp, poisson
from mini_lib.scheduling.workloads import FAMILIES, Workload, WorkloadRequest

__all__ = [
    "FAMILIES",
    "Lengths",
    "ServingSummary",
    "Spread",
    "Workload",
    "WorkloadRequest",
    "bursty",
    "offline_ramp",
    "poisson",
    "summarize",
    "FUTURE_TOKEN",
    "ModelRunnerOutput",
    "NewToken",
    "Request",
    "RequestStatus",
    "Runner",
    "ScheduledRequest",
    "Scheduler",
    "SchedulerConfig",
    "SchedulerOutput",
    "event_loop_normal",
    "event_loop_overlap",
]
