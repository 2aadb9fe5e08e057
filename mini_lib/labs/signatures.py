"""Ways to recognise a wrong idea by what a function answered, beside `learn.answers`.

A recogniser that stumbles over an answer of another shape (a number where a list should be) has recognised nothing:
the judge sees to that, so these may index and compare freely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.learn import Outcome, Raised

Recognises = Callable[[tuple[Outcome, ...]], bool]


def arguments(outcome: Outcome) -> tuple[Any, ...]:
    """Return what the call was given."""
    return outcome.case.args


def answer(outcome: Outcome) -> Any:
    """Return what the call gave back, whatever it is."""
    return outcome.value


def gave(place: int, is_so: Callable[[Any], bool]) -> Recognises:
    """Return a test whether the answer to the case at `place` is so, and wrong."""

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        value = outcomes[place].value
        return not isinstance(value, Raised) and is_so(value)

    return recognises


def any_case(is_so: Callable[[Outcome], bool]) -> Recognises:
    """Return a test whether one of the answers is so; it sees hidden cases as well."""
    return lambda outcomes: any(not isinstance(outcome.value, Raised) and is_so(outcome) for outcome in outcomes)


def raises_on(place: int) -> Recognises:
    """Return a test for any exception on the case at `place`, but the one that says "withheld".

    A function that raises on every case has a slip that this case says nothing about, most often a misspelled name.
    """

    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        value = outcomes[place].value
        if all(isinstance(outcome.value, Raised) for outcome in outcomes):
            return False
        return isinstance(value, Raised) and value.name not in ("Withheld", "not plain data", "KeyboardInterrupt")

    return recognises
