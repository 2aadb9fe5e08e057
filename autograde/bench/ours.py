"""`python -m autograde grade` on a class, as an instructor would call it: sandboxed, and watched from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograde.course import ROOT, CannotGrade, Course, Lab

LOOK_SECONDS = 0.2  # between two looks at the memory: the peak of the grading process is kept by the system


class Run(NamedTuple):
    """One call: seconds on the wall's clock, the most memory of the grading process, and what it printed."""

    seconds: float
    peak_mb: float
    totals: dict[str, float]  # by student


def grade(course: Course, lab: Lab, folder: Path, jobs: int) -> Run:
    """Grade what is new or changed in a folder.

    Raises:
        CannotGrade: the command failed; what it said is in the message.
    """
    command = _command("grade", str(folder), "--lab", lab.name, "--json", "--jobs", str(jobs), "--course", course.root)
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        peak = 0.0
        while True:
            try:
                printed, said = running.communicate(timeout=LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, _peak_mb(running.pid))
    seconds = time.perf_counter() - began
    if running.returncode:
        raise CannotGrade(f"`python -m autograde grade` failed in the benchmark: {said[-2000:]}")
    return Run(seconds, peak, {one["student"]: one["score"] for one in json.loads(printed)["submissions"]})


def doctor(course: Course) -> dict[str, Any]:
    """Return what isolates here, and the memory of the preloaded servers."""
    command = _command("doctor", "--json", "--course", course.root)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotGrade(f"`python -m autograde doctor` failed in the benchmark: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def own_seconds(course: Course, lab: Lab, folder: Path) -> dict[str, float]:
    """Return what the lab itself costs, in seconds of a processor, by student."""
    command = [sys.executable, "-m", "autograde.bench.plain", str(course.root), lab.name, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotGrade(f"The notebooks did not run in a plain process: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _command(*arguments: str | Path) -> Sequence[str]:
    return [sys.executable, "-m", "autograde", *map(str, arguments)]


def _peak_mb(pid: int) -> float:
    """Return the most memory that a process itself ever had; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
