"""A Dask cluster on this machine: a scheduler and workers, each a process of its own, as they would be on several."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from autograde.course import ROOT

DEADLINE = 120  # seconds: on a busy machine Dask takes its time to come up, and torch to load
WORDS = ("--no-dashboard", "--death-timeout", "60")


@dataclass(frozen=True)
class Cluster:
    """`address` is the scheduler's; `workers` are what was started by the command line."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def below(self) -> list[psutil.Process]:
        """Return every process that the workers started, and what those started."""
        return [one for worker in self.workers for one in psutil.Process(worker.pid).children(recursive=True)]


@contextlib.contextmanager
def cluster(folder: Path, workers: int, *words: str, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Start a cluster in a folder for its files; end it with SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder), **(settings or {})}
    file = folder / "scheduler.json"
    with contextlib.ExitStack() as stack:
        scheduler = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), "--no-dashboard")
        stack.enter_context(_running(folder / "scheduler.log", environment, *scheduler))
        wait_until(lambda: _address(file), "a scheduler that says where it is")
        address = _address(file)
        one = ("worker", address, "--host", "127.0.0.1", "--nthreads", "1", *WORDS, *words)
        started = [stack.enter_context(_running(folder / f"worker-{n}.log", environment, *one)) for n in range(workers)]
        yield Cluster(address, started)


def _address(file: Path) -> str:
    """Return what a scheduler wrote, or "" where it has not come to the end of it."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, ValueError):
        return ""


@contextlib.contextmanager
def _running(log: Path, environment: Mapping[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "dask", *words]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(true, what: str = "") -> None:
    """Wait until a condition holds. A cluster that hangs fails a test with `what`, and not the whole run."""
    for _ in range(DEADLINE * 20):
        if true():
            return
        time.sleep(0.05)
    raise TimeoutError(what or getattr(true, "__qualname__", "the condition"))
