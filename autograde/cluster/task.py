"""What runs within a Dask worker: two functions that take and return texts. The work is done in a program beside it.

The program is started by the first call and serves all threads of the worker. It ends with the worker, because its
only line to the world ends then. Where it dies, the jobs that it had are tried again in a new one, one after another;
after `TRIES` a job counts as one that cannot be graded.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from functools import cache

from autograde.cluster.sameness import digest, fingerprint
from autograde.course import ROOT
from autograde.inside import wire
from autograde.inside.channel import Channel

TRIES = 3
START_SECONDS = 300  # torch is imported by two servers, from a slow disk perhaps
_again = threading.Lock()  # one job at a time is tried again: so one that kills does not take others along for ever


class Program:
    """A running `autograde.worker`, and the one line that keeps it alive."""

    def __init__(self, unsafe: bool) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "autograde.worker", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        self._control, self._turn = Channel(ours), threading.Lock()
        self._control.send({"unsafe": unsafe})
        ours.settimeout(START_SECONDS)
        message = self._control.receive()
        ours.settimeout(None)
        said = {"failed": "the program ended while it started"} if message is None else message.said
        self.isolation, self.failed = said.get("isolation", ""), said.get("failed", "")

    def grade(self, job: str) -> str:
        """Return the program's answer to a job. Raises WireError where it died instead."""
        mine, theirs = socket.socketpair()
        with mine:
            with self._turn, theirs:
                self._control.send({}, [theirs.fileno()])
            wire.send(mine, job)
            return wire.receive(mine)

    def end(self) -> None:
        """Close the line and wait until the program is gone."""
        self._control.close()
        self._process.wait()


class Keeper:
    """Hands out the program of this worker, and starts a new one where it died."""

    def __init__(self, unsafe: bool) -> None:
        self._unsafe, self._turn = unsafe, threading.Lock()
        self._program: Program | None = None

    def program(self) -> Program:
        with self._turn:
            if self._program is None:
                self._program = Program(self._unsafe)
            return self._program

    def replace(self, dead: Program) -> None:
        """Forget a program that died, unless another thread did so before."""
        with self._turn:
            if self._program is dead:
                dead.end()
                self._program = None


@cache
def keeper(unsafe: bool, process: int) -> Keeper:
    """Return this process's keeper; `process` is its id, so that no copy of the process takes over another's."""
    return Keeper(unsafe)


def about(unsafe: bool) -> str:
    """Return, as JSON, what this worker would grade with: its fingerprint, and how it isolates or why it cannot."""
    program = keeper(unsafe, os.getpid()).program()
    said = {"isolation": program.isolation, "failed": program.failed, "fingerprint": dict(fingerprint())}
    return json.dumps(said)


def grade(orders: str, job: str) -> str:
    """Grade one job and return, as JSON, a reply or why there is none; or in what this worker differs."""
    wanted = json.loads(orders)
    mine = keeper(wanted["unsafe"], os.getpid())
    first = mine.program()
    if digest() != wanted["digest"] or first.isolation != wanted["isolation"]:
        return json.dumps({"differs": json.loads(about(wanted["unsafe"]))})
    if len(job) > wire.MAX_FRAME:
        return _given_up(f"the notebook makes a job of {len(job)} bytes, and {wire.MAX_FRAME} is the most")
    try:
        return first.grade(job)
    except wire.WireError:
        mine.replace(first)
    with _again:
        return _tried_again(mine, job)


def _tried_again(mine: Keeper, job: str) -> str:
    for _ in range(TRIES - 1):
        program = mine.program()
        try:
            return program.grade(job)
        except wire.WireError:
            mine.replace(program)
    return _given_up(f"the program that grades died {TRIES} times over this notebook")


def _given_up(why: str) -> str:
    return json.dumps({"reply": None, "why": why})
