"""A long command with its output in a log and its latest line on the terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def follow(command: Sequence[str], log: Path, *, cwd: Path, env: Mapping[str, str]) -> int:
    """Run `command`, write all it says to `log`, show its latest line where a person looks on; return its status."""
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            show(line)
    show("")
    return process.returncode


def show(line: str) -> None:
    """Write `line` over the one before it; nothing where the output is a file or a pipe."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line.strip()[:100]}", end="", flush=True)
