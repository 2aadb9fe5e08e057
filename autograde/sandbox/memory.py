"""How much memory a process and all that it started hold together, read from outside.

In a pid namespace whoever loses its parent becomes a child of pid 1, so nothing gets away. Counted are pages that no
file backs, in memory or swapped out, and the tables that find them: a page here and a page there costs more in tables
than in pages. What a child still shares with the server counts for each, so the sum errs upwards: `share_gb` divides it
among those who hold it, takes longer, and is asked only when the sum is too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PROC = Path("/proc")
GB = 2**20  # in kB, as /proc counts
PAGES = ("RssAnon:", "RssShmem:", "VmSwap:")
SHARES = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
TABLES = ("VmPTE:",)


def used_gb(pid: int) -> float:
    """Return the memory of `pid` and its descendants, by a quick count."""
    if not PROC.is_dir():  # macOS
        return sum(_resident(one) for one in family(pid)) / 2**30
    return sum(_kilobytes(PROC / str(one) / "status", PAGES + TABLES) for one in family(pid)) / GB


def share_gb(pid: int) -> float | None:
    """Return the memory of `pid` and its descendants, shared pages divided; None where it may not be looked at."""
    members = list(family(pid))
    shares = [_kilobytes(PROC / str(one) / "smaps_rollup", SHARES) for one in members]
    tables = [_kilobytes(PROC / str(one) / "status", TABLES) for one in members]
    return sum(shares + tables) / GB if any(shares) else None


def family(pid: int) -> Iterator[int]:
    """Yield `pid` and all its descendants that live, without looking at other processes where the kernel helps."""
    yield pid
    for child in _children(pid):
        yield from family(child)


def _children(pid: int) -> list[int]:
    threads = PROC / str(pid) / "task"
    try:
        lists = [(thread / "children").read_text() for thread in threads.iterdir()]
    except OSError:  # it ended, or this kernel keeps no such list
        return _children_among_all(pid)
    return [int(child) for text in lists for child in text.split()]


def _children_among_all(pid: int) -> list[int]:
    try:
        return [one.pid for one in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _kilobytes(path: Path, fields: tuple[str, ...]) -> int:
    try:
        return sum(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(fields))
    except OSError:  # it ended, or belongs to others
        return 0
