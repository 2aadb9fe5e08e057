"""The student's process: runs what a student wrote, and never sees a test.

It answers the tester: run this cell, what stands under these names, call this function with these arguments, what was
shown meanwhile. It is forked from a server that has read no test, and gets none: of a locked cell it gets the text of
the release. Whatever a student does to this process, they do to their own answers.
"""

from __future__ import annotations

import os
import random
import socket
import sys
from base64 import b64decode
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from time import process_time
from typing import Any

from autograde.inside.borrowing import Borrowing
from autograde.inside.far_errors import told
from autograde.inside.peer import Answer, Gone, Peer, Request
from autograde.inside.shell import INLINE, draw_inline, prepared, take_over
from autograde.inside.shown import Shown
from autograde.inside.soft_limit import SoftLimit
from mini_lib import withheld
from mini_lib.learn.values import NotPlain


def main(connection: socket.socket, settings: Mapping[str, Any]) -> None:
    """Answer the tester until it is gone. `settings` has `limits` and `environment`, as `lab.toml` says them."""
    enter_lab(settings.get("environment", {}))
    seed_everything()
    os.environ["MPLBACKEND"] = INLINE
    draw_inline(prepared())
    process = Student(connection, settings.get("limits", {}))
    try:
        process.serve()
    except Gone:
        return


class Student(Peer):
    """The end of the conversation at which a student's code runs."""

    def __init__(self, sock: socket.socket, limits: Mapping[str, Any]) -> None:
        verbs = {"cell": self._cell, "names": self._names, "shown": self._shown, "files": self._files}
        self.borrowing = Borrowing()
        super().__init__(sock, {**verbs, "usage": self._usage, **self.borrowing.verbs}, self.borrowing.codecs)
        self.borrowing.peer = self
        self.shell, self.limit, self.pid = prepared(), SoftLimit(), os.getpid()
        shown = Shown(limits.get("cell_output_bytes", 100_000), limits.get("output_bytes", 2_000_000))
        take_over(self.shell, shown)

    def running(self, request: Request) -> AbstractContextManager[object]:
        return self.limit.during(float(request.get("seconds", 3600)))

    def talking(self) -> AbstractContextManager[object]:
        return self.limit.held()

    def frames(self, error: BaseException) -> Iterable[str]:
        return self.shell.places(sys.exc_info()[2], own=True)  # an exception's own word for it may be forged

    def _called(self, request: Request) -> Answer:
        return self.borrowing.called(request, super()._called)

    def _answer(self, frame: Request) -> Answer:
        try:
            return super()._answer(frame)
        except Gone:
            raise
        except BaseException as error:  # the timer rang between a student's last line and our first, for one
            return {"raised": told(error)}
        finally:
            if os.getpid() != self.pid:
                os._exit(0)  # a child of the student's own that came back from a fork: it has nothing to say here

    def _cell(self, request: Request) -> Answer:
        self.shell.shown.begin()
        with self.running(request):
            self.shell.run(request["source"], request["count"])
        return {"outputs": self.shell.shown.outputs(), "frames": self.shell.frames}

    def _names(self, request: Request) -> Answer:
        self.shell.shown.begin()
        space = self.shell.user_ns
        with self.running(request):
            return {"values": {name: self._crossing(space[name]) for name in request["names"] if name in space}}

    def _crossing(self, value: object) -> Any:
        """Return what crosses for a value that stands under a name: a handle where it is too large itself."""
        try:
            return self.border.encode(value)
        except NotPlain:
            return self.border.lend(value)

    def _shown(self, request: Request) -> Answer:
        return {"outputs": self.shell.shown.outputs()}

    def _files(self, request: Request) -> Answer:
        for name, text in request["files"].items():
            Path(Path(name).name).write_bytes(b64decode(text))
        return {}

    def _usage(self, request: Request) -> Answer:
        return {"seconds": process_time()}


def enter_lab(environment: Mapping[str, str]) -> None:
    """Set what `[environment]` of the lab says; the library was loaded before, and is told of the lab that is open."""
    os.environ.update({"NBGRADER_EXECUTION": "autograde", **environment})
    withheld.read_environment()


def seed_everything() -> None:
    """Let random numbers be the same in every run, of those libraries that are loaded."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(0)  # `torch.manual_seed` imports the compiler first


def warm() -> None:
    """Do what takes time and is the same for all: a server calls this before it forks the first process."""
    draw_inline(prepared())
    prepared().run("None", 0)
