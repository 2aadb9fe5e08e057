"""The limits that a process sets on itself and on all that it starts, before a student's first line; no way back.

Memory that a process may write, size of a file, open files and core files. Address space would be the wrong measure: a
torch with CUDA maps 3 to 5 GB of libraries before anything runs. Memory of several processes together is added up from
outside (`sandbox.memory`). The number of processes is counted per user by the kernel, so it is set only where each
submission has a user of its own.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from typing import Any

OPEN_FILES = 256  # each pipe and socket holds memory of the kernel, which nobody else counts
NO_CORE = 1  # byte. At 0 there is no file, but a program of the machine that collects crashes would be started and fed


def bound_this_process(limits: Mapping[str, Any], *, count_processes: bool) -> None:
    """Lower the limits of this process to those of the lab."""
    most = {
        resource.RLIMIT_DATA: int(limits["memory_gb"] * 2**30),
        resource.RLIMIT_FSIZE: int(limits["file_mb"] * 2**20),
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: NO_CORE,
    }
    if sys.platform == "linux":  # a right to be served before others, which some desktops grant to who grades
        most |= {resource.RLIMIT_RTPRIO: 0, resource.RLIMIT_NICE: 0}
    if count_processes:
        most[resource.RLIMIT_NPROC] = int(limits["processes"])
    for kind, number in most.items():
        _lower(kind, number)


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (allowed, allowed))
    except (ValueError, OSError):
        return  # macOS does not bound this; time and output stay bounded there
