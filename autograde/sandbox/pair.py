"""The two processes of one submission as the grading process holds them: watched, and ended with all they started."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from autograde.course import CannotGrade
from autograde.inside.channel import Channel, Message
from autograde.sandbox import memory

END_SECONDS = 30


class Forked:
    """One forked process, as its line tells of it. `ended` is None while it lives, else how it ended: "" for well."""

    def __init__(self, line: Channel) -> None:
        self._line = line
        self.pid = 0  # as this process counts, not as the server does
        self.ended: str | None = None
        self.crashed = ""  # a traceback
        self._failed = ""
        self._over = False

    def hear(self, seconds: float) -> bool:
        """Take in one message, waiting this long for it; False where none came."""
        self._line.end.settimeout(seconds)
        try:
            message = self._line.receive()
        except (TimeoutError, BlockingIOError):
            return False
        if message is None:
            self._over = True
            return False
        self._take(message)
        return True

    def listen(self) -> None:
        """Take in what has been said so far."""
        while not self._over and self.hear(0):
            pass

    def check(self) -> None:
        """Take in what has been said so far.

        Raises:
            CannotGrade: the process could not be made as it should, or its server is gone.
        """
        self.listen()
        self._complain()

    def kill(self) -> None:
        """Ask the server to end it; it may have ended."""
        if not self._over:
            self._line.send({"kill": True})

    def descendants(self) -> list[psutil.Process]:
        """Return what it started and what still lives: where no namespace holds them together, each must be killed."""
        self.listen()
        started = list(memory.family(self.pid))[1:] if self.pid else []
        return [process for pid in started if (process := _process(pid))]

    def wait(self) -> str:
        """Return how it ended, when it has. Raises CannotGrade as `check` does."""
        deadline = time.monotonic() + END_SECONDS
        while self.ended is None and not self._over and time.monotonic() < deadline:
            self.hear(max(0.0, deadline - time.monotonic()))
        self._complain()
        if self.ended is None:
            raise CannotGrade(f"A fork server did not answer for {END_SECONDS} s. Is the machine out of memory?")
        return self.ended

    def close(self) -> None:
        """Hear no more of it: a process that still lives is killed, since nobody waits for it."""
        self._over = True
        self._line.close()

    def _take(self, message: Message) -> None:
        said: dict[str, Any] = message.said
        self.ended = said.get("ended", self.ended)
        self.crashed = said.get("crashed", self.crashed)
        self._failed = said.get("failed", self._failed)
        self.pid = _pid_behind(message.files[0]) if message.files else said.get("pid", self.pid)

    def _complain(self) -> None:
        if self._failed:
            raise CannotGrade(f"The sandbox {self._failed}. What this machine can isolate: python -m autograde doctor")
        if self._over and self.ended is None:
            raise CannotGrade("A fork server is gone, and the submissions that it served with it. Start again.")


class Pair:
    """The tester and the student's process of one submission. `grader` leads to the tester.

    `folders` are those of two processes that no namespace holds together: removed at the end.
    """

    def __init__(
        self, grader: socket.socket, student: Forked, tester: Forked, memory_gb: float, folders: Sequence[str] = ()
    ) -> None:
        self.grader = grader
        self._student, self._tester = student, tester
        self._memory_gb = memory_gb
        self._folders = folders

    def poll(self) -> str:
        """Return "" or the limit that was broken: all processes of the student hold too much memory, and are ended.

        Raises:
            CannotGrade: one of the two could not be confined, or its server is gone.
        """
        for one in (self._student, self._tester):
            one.check()
        if not self._student.pid or self._student.ended is not None:
            return ""
        used = memory.used_gb(self._student.pid)
        if used > self._memory_gb:
            share = memory.share_gb(self._student.pid)
            used = used if share is None else share
        if used <= self._memory_gb:
            return ""
        self._student.kill()  # the tester lives on, and what ran before keeps its points
        return f"all its processes together held {used:.1f} GB of memory, more than the {self._memory_gb:g} GB allowed"

    @property
    def log(self) -> str:
        """Return the traceback of a tester that broke, or ""."""
        self._tester.listen()
        return self._tester.crashed

    def end(self) -> str:
        """Kill both and all that they started; return how the student's process had ended by itself: "" for well.

        Raises:
            CannotGrade: as `poll`.
        """
        self.grader.close()
        both = (self._student, self._tester)
        try:
            strays = [stray for one in both for stray in one.descendants()] if self._folders else []
            for one in both:
                one.kill()
            how_the_student_ended, _ = [one.wait() for one in both]
            _kill(strays)
            return how_the_student_ended
        finally:
            for one in both:
                one.close()
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None  # it has ended


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()  # psutil sees to it that it is still the same process
        except psutil.Error:
            continue
    psutil.wait_procs(processes, END_SECONDS)


def _pid_behind(handle: int) -> int:
    """Return the pid, as this process counts, of the process that a pidfd stands for; close the pidfd."""
    try:
        found = re.search(r"^Pid:\s*(\d+)", Path(f"/proc/self/fdinfo/{handle}").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0  # -1 once it has ended
    finally:
        os.close(handle)
