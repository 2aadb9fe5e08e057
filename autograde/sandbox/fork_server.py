"""One fork server as the grading process holds it: started, asked to fork, ended."""

from __future__ import annotations

import queue
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any

from autograde.course import CannotGrade
from autograde.inside.channel import Channel
from autograde.inside.server import Setup
from autograde.sandbox.launch import Launch

READY_SECONDS = 180  # to import torch from a cold disk
END_SECONDS = 10


class ForkServer:
    """A server of one role. Starting does not wait; `wait` does."""

    def __init__(self, role: str, launch: Launch, setup: Setup) -> None:
        self.role = role
        self._lock = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        ours, theirs = socket.socketpair()
        self._control = Channel(ours)
        with theirs:
            self._process = _started([*launch.command, role, str(theirs.fileno())], launch, theirs.fileno(), self._log)
        self._control.send(asdict(setup))

    def wait(self) -> None:
        """Wait until the server has imported everything.

        Raises:
            CannotGrade: it could not; the message holds what it said.
        """
        self._control.end.settimeout(READY_SECONDS)
        try:
            message = self._control.receive()
        except TimeoutError:
            raise CannotGrade(self._failure(f"was not ready within {READY_SECONDS} s")) from None
        if message is None:
            raise CannotGrade(self._failure("ended before it was ready"))
        if "ready" not in message.said:
            raise CannotGrade(self._failure(f"could not start: {message.said['failed']}"))
        self._control.end.settimeout(None)

    def memory_mb(self) -> float:
        """Return the server's memory, pages that the other one holds too divided between them; 0 where it is gone."""
        with self._lock:
            self._control.send({})
            message = self._control.receive()
        return float(message.said["memory_mb"]) if message else 0.0

    def fork(self, ends: Sequence[socket.socket], said: Mapping[str, Any]) -> Channel:
        """Have a child forked that owns copies of `ends`; return the line on which the server tells of it."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            self._control.send(dict(said), [*(end.fileno() for end in ends), theirs.fileno()])
        return Channel(ours)

    def close(self) -> None:
        """End the server and every child of it."""
        self._control.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the box ends with bubblewrap
            self._process.wait(END_SECONDS)
        self._log.close()

    def _failure(self, what: str) -> str:
        """Return what happened with the last lines that the server wrote: bubblewrap's own reason, or a traceback."""
        self.close_control()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return "\n".join([f"The {self.role}s' fork server {what}.", *lines[-12:]])

    def close_control(self) -> None:
        self._control.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _started(command: list[str], launch: Launch, end: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start from a thread that stays: `--die-with-parent` ends a box with the *thread* that started it."""
    started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()

    def keep() -> None:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[end],
                cwd=launch.folder,
                env=dict(launch.environment),
                start_new_session=True,
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        process.wait()

    threading.Thread(target=keep, name="keeps a sandbox", daemon=True).start()
    process = started.get()
    if isinstance(process, OSError):
        raise CannotGrade(f"A fork server could not be started: {process}.")
    return process
