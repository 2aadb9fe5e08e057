"""An exercise as a value: its cases, the wrong answers that it knows by name, its hints.

A misconception is recognised by what a function *answers* on the visible cases, never by how it is written, and no
wrong or right implementation is kept here: a student who reads an exercise learns cases and sentences, not code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mini_lib.learn.values import Plain, plain, same


@dataclass(frozen=True)
class Case:
    """One call and what it should give back; `expected` is plain data."""

    args: tuple[object, ...]
    expected: object


@dataclass(frozen=True)
class Raised:
    """Stands in place of an answer where the function raised; `name` is the class of the exception."""

    name: str
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a plain value, or `Raised`; and which arguments it changed on the way."""

    case: Case
    value: Plain | Raised
    changed: tuple[int, ...] = ()  # positions of the arguments that the call changed


Recognises = Callable[[tuple[Outcome, ...]], bool]


def answers(signature: Mapping[int, object]) -> Recognises:
    """Return a test for functions that give exactly these wrong answers: {index of the case: wrong value}.

    A value may be `Raised("IndexError")`, which matches an exception of that name whatever its message.
    """
    wanted = {index: value if isinstance(value, Raised) else plain(value) for index, value in signature.items()}

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        return all(_gave(outcomes[index], value) for index, value in wanted.items())

    return recognises


def _gave(outcome: Outcome, wanted: Plain | Raised) -> bool:
    if isinstance(wanted, Raised) or isinstance(outcome.value, Raised):
        return getattr(outcome.value, "name", None) == getattr(wanted, "name", "")
    return same(outcome.value, wanted)


@dataclass(frozen=True)
class Misconception:
    """A wrong idea with a name: how to recognise it, what to say, and the heading that taught the right one.

    `sentence` may be a function of the outcomes, where what there is to say depends on what happened.
    """

    name: str
    sentence: str | Callable[[tuple[Outcome, ...]], str]
    recognises: Recognises
    see: str = ""

    def told(self, outcomes: tuple[Outcome, ...]) -> str:
        """Return what to say about these outcomes."""
        return self.sentence if isinstance(self.sentence, str) else self.sentence(outcomes)


@dataclass(frozen=True)
class Exercise:
    """What is asked, what is right, and what is known about getting it wrong.

    `wants` ends the sentence "It wants ...". `right` is said after "Right on all 7 visible cases." `picture` takes
    the outcomes and shows the student's own answer, or returns something to display. `agrees(yours, expected)`
    compares plain data. `differs` words a wrong answer that no misconception recognises, where "the answer is 8,
    yours is 4" says too little. `arguments` names the arguments in sentences where the function's own names are
    not at hand. `drive(fn, *args)` makes the call where the answer is more than a function of plain data (a loop that
    wants a scheduler, a class that wants a caller), and gives plain data back.

    Raises:
        ValueError: there is no case, or a misconception would recognise the right answers.
    """

    id: str
    title: str
    wants: str
    cases: tuple[Case, ...]
    misconceptions: tuple[Misconception, ...] = ()
    right: str = ""
    hints: tuple[str, ...] = ()
    picture: Callable[[tuple[Outcome, ...]], object] | None = None
    agrees: Callable[[Plain, Plain], bool] = same
    differs: Callable[[Outcome], str] | None = None
    arguments: tuple[str, ...] = ()
    drive: Callable[..., object] | None = None
    difficulty: int = 1
    importance: int = 1
    minutes: int = 5
    points: int = 0

    def __post_init__(self) -> None:
        if not self.cases:
            raise ValueError(f"exercise {self.id!r} has no case; give it at least one Case(args, expected)")
        perfect = tuple(Outcome(case, plain(case.expected)) for case in self.cases)
        for misconception in self.misconceptions:
            if misconception.recognises(perfect):
                raise ValueError(
                    f"misconception {misconception.name!r} of exercise {self.id!r} recognises the right answers; "
                    "give it a case on which the wrong idea answers differently"
                )
