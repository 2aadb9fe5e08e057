"""Messages between the grading process and a fork server: one line of JSON each, and open files that go with it.

Both ends are ours: no student's process holds one. What crosses to and from students is in `wire`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple

CHUNK, MOST_FILES = 65_536, 8


class Message(NamedTuple):
    """What was said, and the file descriptors that came with it: the receiver owns them."""

    said: dict[str, Any]
    files: list[int]


class Channel:
    """One end of a UNIX stream socket. `receive` returns None where the other end is closed."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._text = b""
        self._files: list[int] = []

    def fileno(self) -> int:
        return self.end.fileno()

    def send(self, said: dict[str, Any], files: Sequence[int] = ()) -> None:
        """Say it; the file descriptors stay open here. An end that nobody listens to any more is no error."""
        line = json.dumps({**said, "files": len(files)}).encode() + b"\n"
        try:
            sent = socket.send_fds(self.end, [line], list(files)) if files else self.end.send(line)
            self.end.sendall(line[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self) -> Message | None:
        """Return the next message, or None. Raises TimeoutError and BlockingIOError as the socket is set."""
        while b"\n" not in self._text:
            if not self._read():
                return None
        line, _, self._text = self._text.partition(b"\n")
        said = json.loads(line)
        count = said.pop("files")
        files, self._files = self._files[:count], self._files[count:]
        return Message(said, files)

    def _read(self) -> bool:
        try:
            text, files, _, _ = socket.recv_fds(self.end, CHUNK, MOST_FILES)
        except ConnectionResetError:
            return False
        self._text += text
        self._files += files
        return bool(text)

    def close(self) -> None:
        self.end.close()
