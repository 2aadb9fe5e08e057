"""What a submission's process may use, and how everything that it started is ended.

These limits contain accidents: an endless loop, a list that grows for ever, a process left behind. They are no
sandbox: a student's code has the rights of the user who grades, and a process that wipes its environment gets away.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with ipykernel

from autograde.course import Limits

MARK = "AUTOGRADE_RUN"  # each submission's processes carry it in their environment, wherever they fork to
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CONDA_PREFIX")
MAX_FILE_BYTES = 200_000_000


def bound_this_process(limits: Limits) -> None:
    """Limit address space and file size of this process and of all that it starts, and forbid core files."""
    memory = int(limits.memory_gb * 2**30)
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(kind, most)


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (allowed, allowed))
    except (ValueError, OSError):
        return  # macOS knows no limit on address space; time and output stay bounded there


def scrubbed(environment: Mapping[str, str], home: Path, mark: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a student's kernel: what Python needs to start, and nothing of the instructor's.

    One thread per library and a fixed hash seed make a second run say the same as the first; an empty
    CUDA_VISIBLE_DEVICES makes a machine with a GPU grade as one without. A lab's `[environment]` comes last.
    """
    folders = {name: str(home) for name in ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    fixed = {"PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": "", "NBGRADER_EXECUTION": "autograde", MARK: mark}
    kept = {name: environment[name] for name in KEPT if name in environment}
    return {**kept, **folders, **threads, **fixed, **extra}


def end_all_marked(mark: str) -> int:
    """Kill every process that carries `mark`, until none is left; return how many there were."""
    ended = 0
    for _ in range(20):  # a fork bomb is the sandbox's business, not ours
        found = [process for process in psutil.process_iter() if _carries(process, mark)]
        if not found:
            break
        for process in found:
            _kill(process)
        psutil.wait_procs(found, timeout=2)
        ended += len(found)
    return ended


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        ours = process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
        return ours and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return  # it ended by itself
