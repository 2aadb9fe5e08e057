"""The pair of processes that grades one notebook, forked from the test itself: no server, no sandbox.

`graded(lab, answers)` is what most tests want. The pipeline does the same through servers in a sandbox.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
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
from autograde.inside import student, tester, wire
from autograde.inside.align import grade_id, is_answer, is_locked, is_test
from autograde.inside.job import Job, Reply
from autograde.inside.results import SubmissionResult
from autograde.release import HIDDEN, generate, secret_lines

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
            "limits": {**asdict(self.lab.limits), **self.limits},
            "environment": dict(self.lab.environment),
            "mode": self.lab.mode,
            "made_by_the_tester": list(self.lab.made_by_the_tester),
        }
        return Job(
            "student",
            self.lab.name,
            notebook.decode("latin-1"),
            nbformat.v4.writes(self.release),
            tests=tests,
            hidden=self.hidden,
            isolation="none",
            **{**made, **more},
        )


class Came(NamedTuple):
    """What one run of the pair came to; `student` is the wait status of the student's process."""

    reply: Reply
    student: int
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
    ends, lines = socket.socketpair(), socket.socketpair()
    settings = {"limits": job.limits, "environment": job.environment}
    pids = [
        forked(lambda: student.main(ends[0], settings), ends[0]),
        forked(lambda: tester.main(ends[1], lines[1]), ends[1], lines[1]),
    ]
    for one in (*ends, lines[1]):
        one.close()
    try:
        wire.send(lines[0], job.to_json())
        reply = Reply.from_json(wire.receive(lines[0], deadline=began + job.limits["submission_seconds"] + 30))
    finally:
        statuses = [_ended(pid) for pid in pids]
        lines[0].close()
    return Came(reply, statuses[0], time.monotonic() - began)


def forked(work: Callable[[], None], *kept: socket.socket) -> int:
    """Run `work` in a process of its own, which holds these sockets and no other file; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _hold_only([one.fileno() for one in kept])
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        os.write(2, traceback.format_exc().encode())  # pytest shows it beside a test that fails
    finally:
        os._exit(status)


def _hold_only(kept: list[int]) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    for number in range(3, 200):
        if number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)


def _ended(pid: int) -> int:
    """End a process with all that it started, and return how it had ended; 9 where it had not."""
    done, status = os.waitpid(pid, os.WNOHANG)
    until = time.monotonic() + 0.5
    while not done and time.monotonic() < until:
        time.sleep(0.002)
        done, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return status if done else os.waitpid(pid, 0)[1]
