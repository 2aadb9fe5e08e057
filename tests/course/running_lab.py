"""JupyterLab as `make lab` starts it, on the work/ of a temporary folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import serve

START = """
import signal
import sys
from pathlib import Path
import serve
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts in the background
sys.exit(serve.serve(Path(sys.executable), Path(sys.argv[1]), serve.Wish()))
"""


@dataclass(frozen=True)
class RunningLab:
    """The process that a person would end with Ctrl-C, and the address that it printed."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def last_words(self) -> str:
        return self.log.read_text()


@contextmanager
def running_lab(root: Path, ended_by: signal.Signals = signal.SIGTERM) -> Iterator[RunningLab]:
    """Serve `root`/work with settings and runtime files of its own, and end it as a person or `kill` would."""
    own = {"PYTHONPATH": str(Path(serve.__file__).parent), "CI": "true"}
    own |= {f"JUPYTER_{name}_DIR": str(root / name.lower()) for name in ("CONFIG", "RUNTIME", "DATA")}
    log = root / "lab.log"
    command = [sys.executable, "-u", "-c", START, str(root)]
    with log.open("w") as out, subprocess.Popen(command, env=os.environ | own, stdout=out, stderr=out) as process:
        try:
            yield RunningLab(process, first_url(process, log), log)
        finally:
            end(process, ended_by)


def end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """Send `how`, then what is harder, until the process has ended: a failed test must not hang nor leave a server."""
    for harder in (how, signal.SIGTERM, signal.SIGKILL):
        process.send_signal(harder)
        try:
            process.wait(timeout=30)
            return
        except subprocess.TimeoutExpired:
            continue


def first_url(process: subprocess.Popen[str], log: Path) -> str:
    """Return the address once it is printed."""
    while process.poll() is None:
        urls = [line.strip() for line in log.read_text().splitlines() if line.strip().startswith("http")]
        if urls:
            return urls[0]
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"JupyterLab ended before it served:\n{log.read_text()}")
