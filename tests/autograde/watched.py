"""Run a command and report what a parent alone can see: its memory, what it left running, and its servers' share.

    python -m tests.autograde.watched REPORT COMMAND...

The process here becomes the reaper of all orphans below it, so whatever the command leaves behind, daemons included,
is found among its children when the command is done. REPORT is a JSON file; the exit status is the command's.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

SERVER = "autograde.inside.server"
PR_SET_CHILD_SUBREAPER = 36


def main(report: str, *command: str) -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    running = subprocess.Popen(command)
    peak_kb, samples, rounds = 0, [0.0], 0
    while running.poll() is None:
        peak_kb = max(peak_kb, _peak_kb(running.pid))
        if rounds % 20 == 0:
            samples.append(_servers_mb(running.pid))
        rounds += 1
        time.sleep(0.05)
    left = [_described(process) for process in psutil.Process().children(recursive=True) if _runs(process)]
    found = {"peak_mb": peak_kb / 1024, "servers_mb": statistics.median(samples), "left": left}
    Path(report).write_text(json.dumps(found), encoding="utf-8")
    return running.returncode


def _peak_kb(pid: int) -> int:
    """Return the most memory that the process itself ever had; its children are not in it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _servers_mb(pid: int) -> float:
    """Return the memory of the servers and of what they run now, each shared page counted by its share."""
    try:
        below = psutil.Process(pid).children(recursive=True)
        servers = [one for one in below if SERVER in one.cmdline()]
        return sum(one.memory_full_info().pss for one in servers) / 2**20
    except psutil.Error:
        return 0.0


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _described(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return str(process.pid)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
