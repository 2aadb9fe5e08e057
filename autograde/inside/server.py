"""The fork server: `python -m autograde.inside.server ROLE FD`, a process with everything imported, forked per student.

It hears requests over the socket FD and forks. Each child has a line of its own to the grading process, on which the
server says what became of it; a word on the line, or its end, and the child is killed. When the grading process goes,
for whatever reason, the server sees the end of FD, ends, and takes its children with it.

There are two, ROLE "student" and ROLE "tester". Each forks children of its own role only, so the memory that students'
processes are copied from never held a test. The server runs nothing that a student wrote and reads nothing of theirs.
"""

from __future__ import annotations

import base64
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from autograde.inside.channel import Channel, Message
from autograde.inside.forked import Orders, live
from autograde.inside.preload import load, memory_mb, preload


@dataclass(frozen=True)
class Setup:
    """What the grading process tells a server before anything else.

    `isolated`: confine children; otherwise they are bounded only (`--unsafe`). `preload` holds "module" and
    "module:name"; `common` adds what every lab may need. `users` are real user ids that may be lent, first and count.
    `calls` is the filter, base64, `in_tmp` what the box shows in /tmp.
    """

    entry: str
    preload: tuple[str, ...]
    isolated: bool
    common: bool = True
    users: tuple[int, int] = (0, 0)
    calls: str = ""
    in_tmp: tuple[str, ...] = ()

    @classmethod
    def heard(cls, said: dict[str, Any]) -> Setup:
        """Return the setup that came as JSON, which knows no tuples."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
        }
        return cls(**fields)


@dataclass(frozen=True)
class Child:
    """A process that serves one submission, with the line on which the grading process hears of it."""

    pid: int
    line: Channel
    user: int


class Server:
    """Forks children on request, and tells how each ended."""

    def __init__(self, role: str, control: Channel, setup: Setup) -> None:
        self._role, self._control, self._setup = role, control, setup
        self._calls = base64.b64decode(setup.calls)
        self._entry = load(setup.entry)
        self._children: dict[int, Child] = {}
        self._asked: set[int] = set()
        self._namespace = os.open("/proc/self/ns/pid", os.O_RDONLY) if setup.isolated else -1
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for source in (self._woken, control.end):
            source.setblocking(False)
            self._selector.register(source, selectors.EVENT_READ)
        self._waker.setblocking(False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grading process to hear
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Serve until the grading process closes its end; then kill what is left."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    self._woken.recv(4096)
                    self._bury()
                elif key.fileobj is not self._control.end:
                    self._kill(key.data)
                elif not self._hear():
                    for child in self._children.values():
                        self._end(child.pid)
                    return

    def _hear(self) -> bool:
        """Answer what was asked; False where the other end is closed."""
        while True:
            try:
                message = self._control.receive()
            except BlockingIOError:
                return True
            if message is None:
                return False
            self._answer(message)

    def _answer(self, message: Message) -> None:
        """Fork for one request: the sockets that the child gets, and last its line. Without any, tell of the memory."""
        if not message.files:
            self._control.send({"memory_mb": memory_mb()})
            return
        line = Channel(socket.socket(fileno=message.files.pop()))
        try:
            self._start(message, line)
        except OSError as error:
            line.send({"failed": f"could not fork: {error}"})
            line.close()
        finally:
            for end in message.files:
                os.close(end)

    def _start(self, message: Message, line: Channel) -> None:
        user = self._free_user()
        pid = self._fork()
        if pid == 0:
            self._leave()
            calls = self._calls if self._setup.isolated else None
            orders = Orders(self._role, self._entry, message.said, user, calls, self._setup.in_tmp)
            live(orders, [socket.socket(fileno=end) for end in message.files], line)
        line.end.setblocking(False)
        self._children[pid] = Child(pid, line, user)
        self._selector.register(line.end, selectors.EVENT_READ, pid)
        handle = os.pidfd_open(pid) if self._setup.isolated and sys.platform == "linux" else -1
        line.send({"pid": pid}, [handle] if handle >= 0 else [])
        if handle >= 0:
            os.close(handle)

    def _free_user(self) -> int:
        """Return a user that no running child has; 0, the server's own, where there are none to lend."""
        _, count = self._setup.users
        taken = {child.user for child in self._children.values()}
        free = next((user for user in range(1, count) if user not in taken), None)
        if count and free is None:
            raise OSError(f"all {count - 1} users are lent: grade fewer submissions side by side")
        return free or 0

    def _fork(self) -> int:
        if not self._setup.isolated:
            return os.fork()
        from autograde.inside.confine import fork_as_pid_one

        return fork_as_pid_one(self._namespace)

    def _leave(self) -> None:
        """In the child: close what belongs to the server, the sockets of others above all."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for end in (self._control.end, self._woken, self._waker, *(one.line.end for one in self._children.values())):
            end.close()
        if self._namespace >= 0:
            os.close(self._namespace)

    def _kill(self, pid: int) -> None:
        """The grading process asks for the end of a child, or hung up; the child may have been buried meanwhile."""
        if pid not in self._children:
            return
        self._asked.add(pid)
        self._selector.unregister(self._children[pid].line.end)
        self._end(pid)

    def _end(self, pid: int) -> None:
        if self._setup.isolated:
            os.kill(pid, signal.SIGKILL)  # pid 1 of its namespace: the kernel kills the rest
        else:
            for kill in (os.killpg, os.kill):  # it may not have come to its own group yet
                try:
                    kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def _bury(self) -> None:
        """Take note of every child that ended; by then, nothing of its namespace is left."""
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid)
            killed = pid in self._asked and os.waitstatus_to_exitcode(status) == -signal.SIGKILL
            if pid not in self._asked:
                self._selector.unregister(child.line.end)
            self._asked.discard(pid)
            child.line.send({"ended": "" if killed else how(status)})
            child.line.close()


def how(status: int) -> str:
    """Return how a process ended by itself: "" for well, else "exit 3" or "signal 11"."""
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit {code}" if code else ""


def main(arguments: list[str]) -> None:
    """Be a server. What cannot be imported is told to the grading process, and the server ends."""
    role, end = arguments
    control = Channel(socket.socket(fileno=int(end)))
    message = control.receive()
    if message is None:
        return
    setup = Setup.heard(message.said)
    try:
        if setup.isolated:
            from autograde.inside.confine import Users, become_root_of_nothing

            become_root_of_nothing(Users(*setup.users), setup.in_tmp)
        preload(setup.preload, setup.common, setup.entry)
        server = Server(role, control, setup)
    except Exception as error:
        traceback.print_exc()
        control.send({"failed": f"{type(error).__name__}: {error}"})
        return
    control.send({"ready": True})
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)
