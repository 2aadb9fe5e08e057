"""The pair of processes that grades one notebook, forked from the test itself: no server, no sandbox.

`graded(lab, answers)` is what most tests want. The pipeline does the same through servers in a sandbox.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode

from autograde.build import build
from autograde.course import ROOT, Lab, read_lab
from autograde.inside import tester, wire
from autograde.inside.align import grade_id, is_answer, is_locked, is_test
from autograde.inside.job import Job, Reply, packed
from autograde.inside.results import SubmissionResult
from autograde.release import HIDDEN, generate, secret_lines
from tests.autograde.inside.nursery import settle

TOY = ROOT / "tests" / "autograde" / "toy" / "solutions" / "toy"


@dataclass(frozen=True)
class Made:
    """A lab, built once: its source with solutions and hidden tests, and its release."""

    lab: Lab
    source: NotebookNode
    release: NotebookNode
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def solution(self) -> dict[str, str]:
        return {grade_id(cell): cell.source for cell in self.source.cells if is_answer(cell)}

    @property
    def hidden(self) -> list[str]:
        return secret_lines(self.source, HIDDEN)

    def handed_in(self, answers: Mapping[str, str]) -> bytes:
        """Return the release with some cells answered."""
        notebook = nbformat.from_dict(self.release)
        for cell in notebook.cells:
            cell.source = answers.get(grade_id(cell), cell.source)
        return nbformat.writes(notebook).encode()

    def job(self, notebook: bytes, **more: Any) -> Job:
        tests = {grade_id(cell): cell.source for cell in self.source.cells if is_test(cell) or is_locked(cell)}
        made: dict[str, Any] = {
            "tests": tests,
            "hidden": self.hidden,
            "isolation": "none",
            "limits": {**asdict(self.lab.limits), **self.limits},
            "environment": dict(self.lab.environment),
            "mode": self.lab.mode,
            "made_by_the_tester": list(self.lab.made_by_the_tester),
        }
        return Job(
            "student",
            self.lab.name,
            packed(notebook),
            nbformat.v4.writes(self.release),
            **{**made, **more},
        )


class Came(NamedTuple):
    """What one run of the pair came to."""

    reply: Reply
    seconds: float

    @property
    def result(self) -> SubmissionResult:
        return self.reply.result


@cache
def made(folder: Path, **limits: float) -> Made:
    """Return a lab, built with its public seed."""
    lab = read_lab(folder)
    source = build(lab, lab.seed, ROOT / "pyproject.toml")
    return Made(lab, source, generate(source, lab.name), limits)


def named(name: str) -> Made:
    """Return the lab of this course that is called so."""
    return made(ROOT / "solutions" / name)


def toy(**limits: float) -> Made:
    """Return the toy lab."""
    return made(TOY, **{"cell_seconds": 1, "submission_seconds": 8, **limits})


def graded(lab: Made, answers: Mapping[str, str], **more: Any) -> SubmissionResult:
    """Hand in these answers, and return what they came to."""
    return run(lab.job(lab.handed_in(answers), **more)).result


def run(job: Job) -> Came:
    """Grade a job by a pair of processes of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ends, lines = socket.socketpair(), socket.socketpair()
        stack.enter_context(lines[0])
        with ends[0], ends[1], lines[1]:
            stack.callback(end, student_process(ends[0], job, folder))
            stack.callback(end, forked(lambda: tester.main(ends[1], lines[1]), folder, ends[1], lines[1]))
        wire.send(lines[0], job.to_json())
        text = wire.receive(lines[0], deadline=began + job.limits["submission_seconds"] + 30)
        return Came(Reply.from_json(text), time.monotonic() - began)


@cache
def nursery() -> socket.socket:
    """Return the line to the process that forks students' processes; it ends with this one."""
    mine, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.autograde.inside.nursery", str(theirs.fileno())]
    with theirs:
        subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    return mine


def student_process(connection: socket.socket, job: Job, folder: str) -> int:
    """Have a student's process forked that never saw a test, and return its pid."""
    said = {"limits": job.limits, "environment": job.environment, "folder": folder}
    wire.send(nursery(), json.dumps(said))
    socket.send_fds(nursery(), [b"!"], [connection.fileno()])
    return int(wire.receive(nursery()))


def forked(work: Callable[[], None], folder: str, *kept: socket.socket) -> int:
    """Run `work` in a fork of this process, which holds these sockets and no other file; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    told = os.dup(2)
    try:
        settle(folder, [told, *(one.fileno() for one in kept)])
        work()
    except BaseException:
        os.write(told, traceback.format_exc().encode())  # pytest shows it beside a test that fails
    finally:
        os._exit(0)


def end(pid: int) -> None:
    """End a process with all that it started, unless it left its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # the nursery's own are not ours to wait for
        os.waitpid(pid, 0)
