"""Frames on a socket: four bytes of length, big-endian, then as many bytes of UTF-8 text.

Whoever is at the other end may be a student's process that wants to do harm. So a length above the cap is refused
before a byte of it is read, memory grows with what has come and never with what was announced, and every wait can
have an end. There is no pickle, here or anywhere: what a frame holds is JSON, and is read by those who ask for it.
"""

from __future__ import annotations

import select
import socket
import struct
import time

LENGTH = struct.Struct(">I")
MAX_FRAME = 64 * 2**20  # bytes; a reader may ask for less
CHUNK = 2**18


class WireError(Exception):
    """The conversation is over; the message says why."""


class Closed(WireError):
    """The other end is gone."""


class Broken(WireError):
    """What came is no frame: too long, cut off, or no text."""


class Silent(WireError):
    """Nothing came, or nobody listened, until the deadline."""


def send(sock: socket.socket, text: str, deadline: float | None = None) -> None:
    """Send one frame. `deadline` is a moment of `time.monotonic`; None waits for ever.

    Raises:
        Closed: the other end is gone.
        Broken: the text is longer than any reader takes.
        Silent: the other end did not listen until the deadline.
    """
    body = text.encode("utf-8")
    if len(body) > MAX_FRAME:
        raise Broken(f"a frame of {len(body)} bytes is longer than {MAX_FRAME}, which is the most")
    for part in (LENGTH.pack(len(body)), body):  # one after the other: together they would be copied
        left = memoryview(part)
        while left:
            try:
                left = left[sock.send(left, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) :]
            except BlockingIOError:
                _wait(sock, select.POLLOUT, deadline)
            except OSError as error:
                raise Closed(f"the other end is gone: {error.strerror}") from error


def receive(sock: socket.socket, cap: int = MAX_FRAME, deadline: float | None = None) -> str:
    """Return the text of the next frame.

    Raises:
        Closed: the other end is gone, and no frame has begun.
        Broken: the frame is longer than `cap` bytes, ends in the middle, or is no UTF-8.
        Silent: it was not complete at the deadline.
    """
    if deadline is not None and time.monotonic() >= deadline:  # one who never stops sending lets nobody wait
        raise Silent("the time was up")
    (length,) = LENGTH.unpack(_bytes(sock, LENGTH.size, deadline, first=True))
    if length > cap:
        raise Broken(f"a frame of {length} bytes was announced, and {cap} is the most")
    try:
        return str(_bytes(sock, length, deadline), "utf-8")
    except UnicodeDecodeError as error:
        raise Broken(f"a frame is no UTF-8 text: {error.reason}") from error


def _bytes(sock: socket.socket, count: int, deadline: float | None, first: bool = False) -> bytearray:
    come = bytearray()
    while len(come) < count:
        try:
            piece = sock.recv(min(count - len(come), CHUNK), socket.MSG_DONTWAIT)
        except BlockingIOError:
            _wait(sock, select.POLLIN, deadline)
            continue
        except OSError as error:
            raise Closed(f"the other end is gone: {error.strerror}") from error
        if not piece:
            raise Closed("the other end is gone") if first and not come else Broken("a frame ended in the middle")
        come += piece
    return come


def _wait(sock: socket.socket, what: int, deadline: float | None) -> None:
    """Return when the socket is ready, by poll: a timeout on the socket itself would be shared with its copies."""
    ready = select.poll()
    ready.register(sock, what)
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and (left <= 0 or not ready.poll(left * 1000)):
        raise Silent("the other end said nothing in time")
    if left is None:
        ready.poll()
