"""The three states of an answer, and how they become exceptions where a grader wants one."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import wrap
from typing import Literal

from mini_lib.learn.exercise import Case, Outcome

WIDTH = 80  # `nbgrader validate` indents by 4 and cuts at 87, its dialog in JupyterLab at about 110
Status = Literal["not attempted", "wrong", "right"]


class _SaysASentence(Exception):
    """An error that needs no traceback: the lines that raised it are this library's, and nothing is wrong there."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows, and with it nbgrader's Validate, which wraps no line: name and sentence."""
        lines = f"{type(self).__name__}: {self}".split("\n")
        return [short for line in lines for short in wrap(line, WIDTH) or [""]]


class NotAttempted(_SaysASentence):
    """The function is still the stub. The message is the verdict's sentence."""


class WrongAnswer(_SaysASentence):
    """The function answers wrongly. The message is the verdict's sentence; `misconception` names a known wrong idea."""

    def __init__(self, sentence: str, misconception: str | None = None) -> None:
        super().__init__(sentence)
        self.misconception = misconception


@dataclass(frozen=True)
class Verdict:
    """What a judge found: the state, one sentence to a student, and what it rests on.

    `misconception` is the name of the recognised wrong idea, `case` the first case that went wrong.
    `check` has shown a verdict already when it returns it, so a notebook does not echo it again; `print` it to read it.
    """

    status: Status
    sentence: str
    misconception: str | None = None
    case: Case | None = None
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        """Show nothing: a verdict as a cell's last value would else appear twice."""


def require(verdict: Verdict) -> None:
    """Return quietly when `verdict` is right.

    Raises:
        NotAttempted: the function is still the stub.
        WrongAnswer: the answer is wrong.
    """
    if verdict.status == "not attempted":
        raise NotAttempted(verdict.sentence)
    if verdict.status == "wrong":
        raise WrongAnswer(verdict.sentence, verdict.misconception)
