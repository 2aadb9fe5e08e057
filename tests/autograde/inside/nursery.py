"""A process that forks students' processes and never saw a test: `python -m tests.autograde.inside.nursery FD`.

The tests themselves hold every hidden test in memory, and a student's process forked from them would find it there.
This one knows what a student's server knows. No sandbox: a student's code gets a folder, and limits on itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import socket
import sys
import traceback

import torch

from autograde.inside import student, wire

PRELOADED = ("matplotlib.pyplot", "mini_lib.engine", "mini_lib.labs.lab07")  # seconds, once and not per student


def main() -> None:
    """Fork a process for each request: settings and folder in a frame, the connection as a descriptor behind it."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for name in PRELOADED:
        importlib.import_module(name)
    student.warm()
    while True:
        try:
            said = json.loads(wire.receive(requests))
        except wire.Closed:
            return
        _, descriptors, _, _ = socket.recv_fds(requests, 1, 1)
        pid = os.fork()
        if pid == 0:
            requests.close()
            live(socket.socket(fileno=descriptors[0]), said)
        os.close(descriptors[0])
        wire.send(requests, str(pid))


def live(connection: socket.socket, said: dict[str, object]) -> None:
    """Be one student's process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = os.dup(2)
    os.set_inheritable(told, False)
    settle(str(said["folder"]), [connection.fileno(), told])
    try:
        student.main(connection, said)
    except BaseException:
        os.write(told, traceback.format_exc().encode())
    finally:
        os._exit(0)


def settle(folder: str, kept: list[int]) -> None:
    """Give up what a process of a test inherits: its files, its folder, its group, its threads."""
    torch.set_num_threads(1)  # those of a parent are not there after a fork, and would be waited for without end
    os.setsid()
    os.chdir(folder)
    os.environ.update({"HOME": folder, "TMPDIR": folder})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for number in range(3, 200):
        if number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)


if __name__ == "__main__":
    main()
