"""Many notebooks read side by side, each in a process of its own; one that fails costs itself alone.

All processes are forked from one server: Python draws the seed of its string hashes when it starts, and fingerprints
of two notebooks can only be compared when both were made under the same one.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

import numpy as np

from autograde.similar.reading import CPU_SECONDS, Notebook, work

WALL_SECONDS = 6 * CPU_SECONDS  # for a process that waits and does not compute
MAX_REPLY = 8_000_000  # bytes; `reading.MAX_CODE` characters come to less


class Part(NamedTuple):
    """One answer as it was compared: its text, its fingerprints, and where in the text each begins and ends."""

    text: str
    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What reading one notebook came to: parts by exercise, or a sentence in `refused`. `cut` names shortened parts."""

    parts: Mapping[str, Part]
    refused: str = ""
    cut: tuple[str, ...] = ()


class _Running(NamedTuple):
    name: str
    process: Any
    overdue: float


Task = Notebook | Mapping[str, str]


def read_all(tasks: Mapping[str, Task], at_once: int) -> Iterator[tuple[str, Reading]]:
    """Read each task in a process of its own, `at_once` side by side; yield each as it is done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__])
    waiting, running = list(tasks.items())[::-1], dict[Connection, _Running]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                connection, started = _start(context, *waiting.pop())
                running[connection] = started
            for connection in _ready(running):
                one = running.pop(connection)
                yield one.name, _ended(connection, one)
    finally:
        for connection, one in running.items():
            _ended(connection, one)


def _start(context: Any, name: str, task: Task) -> tuple[Connection, _Running]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, task), daemon=True)
    process.start()
    theirs.close()
    return ours, _Running(name, process, time.monotonic() + WALL_SECONDS)


def _ready(running: dict[Connection, _Running]) -> list[Connection]:
    ready = wait(list(running), timeout=1)
    now = time.monotonic()
    return [connection for connection, one in running.items() if connection in ready or now > one.overdue]


def _ended(connection: Connection, one: _Running) -> Reading:
    """Take what the process sent, if it did, and end it."""
    try:
        found = json.loads(connection.recv_bytes(MAX_REPLY)) if connection.poll() else {}
    except (EOFError, OSError, ValueError):
        found = {}
    connection.close()
    one.process.kill()
    one.process.join()
    one.process.close()
    return _reading(found or {"refused": f"It could not be read in {CPU_SECONDS} s and the memory that there is."})


def _reading(found: Mapping[str, Any]) -> Reading:
    parts = {name: part(one) for name, one in found.get("parts", {}).items()}
    return Reading(parts, found.get("refused", ""), tuple(found.get("cut", ())))


def part(found: Mapping[str, Any]) -> Part:
    places = (np.array(found[name], dtype=np.int32) for name in ("starts", "ends"))
    return Part(found["text"], np.array(found["hashes"], dtype=np.int64), *places)
