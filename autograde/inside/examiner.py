"""The tester's end of the conversation: runs test cells in its own process, on what the student's process lends it.

A test cell runs in a namespace where the locked cells have run, and where each name that the lab asks for stands for
what the student's process has under it at that moment: plain data, or a function that is called over there. A name
that the student never defined is absent. What a test printed and came to is this process's own; of what the student's
code printed meanwhile, text and pictures are taken in front of it, and never a result or an error.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from autograde.inside.far_errors import FarError
from autograde.inside.library_codecs import of_library
from autograde.inside.mirrors import SPECIAL
from autograde.inside.peer import Answer, Gone, Peer, Verb
from autograde.inside.shell import Shell, show_text_alone
from autograde.inside.shown import Output, Shown, believed
from autograde.inside.values import Codec

MAX_KEPT = 100
GRACE_SECONDS = 2  # from the interrupt to the end of all patience
SHOWN_BESIDE_A_TEST = ("stream", "display_data")


@dataclass(frozen=True)
class Limits:
    """What a notebook may use, as far as this process must know."""

    cell_seconds: float = 15
    submission_seconds: float = 90
    memory_gb: float = 4.0
    cell_output_bytes: int = 100_000
    output_bytes: int = 2_000_000


@dataclass(frozen=True)
class Ended:
    """How a cell ended: what it showed, the exception that ended it here, and the student's lines that it came from."""

    outputs: list[Output]
    error: BaseException | None = None
    frames: tuple[str, ...] = ()


class Examiner(Peer):
    """Asks the student's process, with a clock in its hand."""

    def __init__(
        self,
        sock: socket.socket,
        shell: Shell,
        limits: Limits,
        verbs: Mapping[str, Verb] | None = None,
        codecs: Iterable[Codec] = (),
    ) -> None:
        super().__init__(sock, verbs or {}, codecs)
        self.shell, self.limits = shell, limits
        self.first_error: FarError | None = None  # of those that came in this cell
        self._raised: dict[int, BaseException] = {}  # exceptions of this end that went to the other, the last of them
        self._last_raised = 0
        self._pid = os.getpid()
        show_text_alone(shell)
        signal.signal(signal.SIGALRM, self._lose_patience)

    def start_clock(self, seconds: float) -> None:
        """Give the next cell so many seconds; a little later this process stops waiting, whatever it is at."""
        self.soft = time.monotonic() + seconds
        self.deadline = self.soft + GRACE_SECONDS
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS + 0.5)

    def stop_clock(self) -> bool:
        """Tell whether the cell has used up its seconds."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert self.soft is not None
        return time.monotonic() >= self.soft

    def hand_over(self, files: Mapping[str, str]) -> None:
        """Put files, their bytes as base64, into the folder in which the student's code runs."""
        self.deadline = time.monotonic() + self.limits.cell_seconds
        if files:
            self.ask("files", files=dict(files))

    def student_cell(self, source: str, count: int) -> Ended:
        """Run a cell in the student's process."""
        answer = self.ask("cell", source=source, count=count)
        frames = answer.get("frames")
        lines = tuple(str(frame)[:1000] for frame in frames[:20]) if isinstance(frames, list) else ()
        return Ended(self._believed(answer), None, lines)

    def test_cell(self, source: str, count: int, names: Sequence[str]) -> Ended:
        """Run a test here. `names` are bound to what the student has under them."""
        self.first_error = None
        self._bind(names)
        self.shell.shown.begin()
        error = self.shell.run(source, count)
        outputs = self.shell.shown.outputs()
        if self.gone is not None:  # a test that caught even this has tested nothing
            raise self.gone
        said = [one for one in self._believed(self.ask("shown")) if one["output_type"] in SHOWN_BESIDE_A_TEST]
        return Ended([*said, *outputs], error, self.first_error.frames if self.first_error else ())

    def heard(self, error: BaseException) -> None:
        if isinstance(error, FarError) and self.first_error is None:
            self.first_error = error
        if isinstance(error, MemoryError) and isinstance(error, FarError) and not error.said:
            error.said = f"a notebook may use {self.limits.memory_gb:g} GB"

    def ask(self, verb: str, **request: Any) -> Answer:
        if os.getpid() != self._pid:  # an engine with the stream policy "process" forks its worker
            raise RuntimeError(
                "A student's code is asked by one process alone, and not by one that was forked from it."
            )
        return super().ask(verb, **request)

    def number_of(self, error: BaseException) -> int | None:
        """Keep an exception that goes to the student's code, so that it is itself where it comes back.

        What ends a loop in silence is not kept: over there it could be raised again where a test would end of it.
        """
        if isinstance(error, StopIteration | StopAsyncIteration | GeneratorExit):
            return None
        self._last_raised += 1
        self._raised[self._last_raised] = error
        self._raised.pop(self._last_raised - MAX_KEPT, None)
        return self._last_raised

    def known(self, number: object) -> BaseException | None:
        return self._raised.get(number) if type(number) is int else None

    def may_call(self, target: object, method: str) -> bool:
        """Let a student's code call what the library and the test itself define, and read what can be iterated."""
        kind = type(target)
        ours = of_library(kind.__module__) or kind.__module__ == "__main__"
        return callable(getattr(kind, method, None)) and (method in SPECIAL or (ours and not method.startswith("_")))

    def _bind(self, names: Sequence[str]) -> None:
        space = self.shell.user_ns
        values = self.ask("names", names=list(names)).get("values", {})
        with self.sense():
            found = {name: self.border.decode(values[name]) for name in names if name in values}
        for name in names:
            space.pop(name, None)
        space.update(found)

    def _believed(self, answer: Mapping[str, Any]) -> list[Output]:
        return believed(answer.get("outputs"), self.limits.cell_output_bytes, self.limits.output_bytes)

    def _lose_patience(self, number: int, frame: FrameType | None) -> None:
        self.gone = self.gone or Gone("silent", "a test did not end in time")
        raise self.gone


def shown_by(limits: Limits) -> Shown:
    """Return the place for what tests show."""
    return Shown(limits.cell_output_bytes, limits.output_bytes)
