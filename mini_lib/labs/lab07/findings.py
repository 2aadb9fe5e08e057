"""What a tester found, as plain data: the name of a fault and what to say about it; both are "" where all is well.

Exercises of lab 7 are about objects that act over time, so what is judged is not a value but a run. The tester makes
the run, looks for faults in it, and gives the first one back as a dict, which an `Exercise` then treats as an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.learn import Misconception, Outcome

Finding = dict[str, Any]
Recognises = Callable[[tuple[Outcome, ...]], bool]

FINE: Finding = {"fault": "", "told": ""}


class Fault(BaseException):
    """A fault in a student's answer: its short name, and what a student should read.

    No `Exception`, because it is raised under a student's code, which may catch those.
    """

    def __init__(self, name: str, told: str) -> None:
        super().__init__(told)
        self.finding: Finding = {"fault": name, "told": told}


def fine(yours: Any, expected: Any) -> bool:
    """Tell whether a tester found nothing wrong; what else it reports is for pictures."""
    return isinstance(yours, dict) and yours.get("fault") == expected["fault"]


def told(outcome: Outcome) -> str:
    """Return the tester's own sentence, for a fault that has no misconception to its name."""
    value: Any = outcome.value
    return str(value["told"]) if isinstance(value, dict) and value.get("told") else f"Your answer gave {value!r}."


def fault_of(outcome: Outcome) -> str:
    """Return the name of the fault in one outcome, "" for none and for an exception."""
    value: Any = outcome.value
    return str(value.get("fault", "")) if isinstance(value, dict) else ""


def found(*names: str, at: tuple[int, ...] = ()) -> Recognises:
    """Return a test for one of these faults in any case, or in each of the cases at `at`."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        if at:
            return all(fault_of(outcomes[place]) in names for place in at)
        return any(fault_of(outcome) in names for outcome in outcomes)

    return recognises


def wrong_idea(fault: str, sentence: str = "", see: str = "", at: tuple[int, ...] = ()) -> Misconception:
    """Return the misconception that a fault of this name stands for; without a sentence the tester's own is told."""
    return Misconception(fault, sentence or _own_sentence(fault), found(fault, at=at), see)


def _own_sentence(fault: str) -> Callable[[tuple[Outcome, ...]], str]:
    return lambda outcomes: told(next(outcome for outcome in outcomes if fault_of(outcome) == fault))
