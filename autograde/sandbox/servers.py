"""The two fork servers of a grading process, and the pairs of processes that they fork.

    with Servers(machine, course.root) as servers:
        pair = servers.start(lab.limits, lab.environment)

One server forks students' processes, the other testers; each lives in a box of its own. If the grading process dies,
even by SIGKILL, the boxes end with it. `unsafe` starts the same servers without a box: the limits that a process can
set on itself hold, and nothing keeps a student's code from the files and the network of who grades.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from autograde.course import CannotGrade, Limits
from autograde.inside.server import Setup
from autograde.sandbox import needed
from autograde.sandbox.fork_server import ForkServer
from autograde.sandbox.launch import bare, boxed, confining
from autograde.sandbox.machine import Machine
from autograde.sandbox.pair import Forked, Pair

SANDBOX, NONE = "sandbox", "none"


@dataclass(frozen=True)
class Programs:
    """What the children run, as "module:function"; tests put their own there, from the folders `also`."""

    student: str = "autograde.inside.student:main"
    tester: str = "autograde.inside.tester:main"
    also: tuple[Path, ...] = ()
    preload: bool = True


class Servers:
    """Both servers, ready to fork. Threads may share one; `start` of one does not wait for another's."""

    def __init__(
        self, machine: Machine, course_root: Path, *, unsafe: bool = False, programs: Programs = Programs()
    ) -> None:
        """Start both servers and wait until they have imported what the labs need.

        Raises:
            CannotGrade: this machine cannot isolate, or something cannot be imported; with the way out.
        """
        if not unsafe and not machine.isolates:
            raise CannotGrade(machine.refusal())
        self.isolation = NONE if unsafe else SANDBOX
        self._folder = Path(tempfile.mkdtemp(prefix="autograde-")) if unsafe else None
        self._both: list[ForkServer] = []
        names, preload = needed.imports(course_root), programs.preload
        try:
            shown = needed.folders(names)
            launch = (
                bare(self._folder, programs.also)
                if self._folder
                else boxed(machine.bubblewrap, course_root, shown, programs.also)
            )
            for number, (role, entry) in enumerate((("student", programs.student), ("tester", programs.tester))):
                given = (entry, names if preload else ())
                setup = Setup(*given, False, preload) if unsafe else confining(*given, preload, number, launch.in_tmp)
                self._both.append(ForkServer(role, launch, setup))
            for server in self._both:
                server.wait()
        except BaseException:
            self.close()
            raise

    def start(self, limits: Limits, environment: Mapping[str, str]) -> Pair:
        """Have a student's process and a tester forked and connected. Does not wait for them."""
        folders = [tempfile.mkdtemp(dir=self._folder) for _ in self._both] if self._folder else []
        shared = {"limits": asdict(limits), "environment": dict(environment)}
        said = [{**shared, "folder": folder} for folder in folders or ("", "")]
        student_end, testers_end = socket.socketpair()
        grader, graders_end = socket.socketpair()
        with student_end, testers_end, graders_end:
            student = Forked(self._both[0].fork([student_end], said[0]))
            tester = Forked(self._both[1].fork([testers_end, graders_end], said[1]))
        return Pair(grader, student, tester, limits.memory_gb, folders)

    def preloaded_mb(self) -> dict[str, float]:
        """Return the memory of each server, pages that both hold divided between them."""
        return {server.role: server.memory_mb() for server in self._both}

    def close(self) -> None:
        """End both servers and every process that they forked."""
        for server in self._both:
            server.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
