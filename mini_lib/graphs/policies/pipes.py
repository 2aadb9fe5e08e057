"""Messages through a pipe whose end nobody may block on for ever.

A message is its length in four bytes and then its bytes. `Outbox` writes into a pipe that may be full, and while it
waits lets the caller do something else (read the answers, or both sides would wait for each other). `Inbox` collects
what has come, and tells when the other side is gone: the pipe ends when its last writer is dead.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Callable, Iterator

_LENGTH = struct.Struct("<I")
_CHUNK_BYTES = 65_536


class Outbox:
    """The writing end. `wait_for_room` is called when the pipe is full, and returns when something may have moved."""

    def __init__(self, fd: int, wait_for_room: Callable[[int], object]) -> None:
        os.set_blocking(fd, False)
        self.fd, self._wait_for_room = fd, wait_for_room

    def send(self, message: bytes) -> None:
        """Write one message.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        rest = memoryview(_LENGTH.pack(len(message)) + message)
        while rest:
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                self._wait_for_room(self.fd)


class Inbox:
    """The reading end. `ended` turns true when the last writer is gone and everything is read."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd, self.ended = fd, False
        self._bytes = bytearray()

    def wait(self) -> None:
        """Wait until there is something to read, or the end."""
        select.select([self.fd], [], [])

    def messages(self) -> Iterator[bytes]:
        """Yield the messages that are complete by now, without waiting."""
        self._fetch()
        start = 0
        while len(self._bytes) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(self._bytes, start)[0]
            if len(self._bytes) < end:
                break
            yield bytes(self._bytes[start + _LENGTH.size : end])
            start = end
        del self._bytes[:start]

    def _fetch(self) -> None:
        try:
            while chunk := os.read(self.fd, _CHUNK_BYTES):
                self._bytes += chunk
            self.ended = True
        except BlockingIOError:
            pass
