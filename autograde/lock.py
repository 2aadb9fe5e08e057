"""One writer per class, who can be stopped at any time: a lock on its folder, and signals that end or wait.

The lock goes with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from autograde.course import CannotGrade


@contextlib.contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold the lock of a class for as long as the block runs.

    Raises:
        CannotGrade: another process holds it.
    """
    import fcntl  # not on Windows, where nobody grades

    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "unknown"
            way_out = f"Wait until it is done, or stop it: kill {who}"
            raise CannotGrade(
                f"Process {who} is at work on {out}, and two would get in each other's way. {way_out}."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextlib.contextmanager
def stopped_politely() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that whatever it started is ended too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done: for what is written in several steps. Main thread only."""
    heard: list[int] = []
    both = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _: heard.append(number)) for one in both}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    if heard:
        raise KeyboardInterrupt
