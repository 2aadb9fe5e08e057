"""Call a student's function on cases and say, in one sentence, what the answers tell.

Each call gets copies of its arguments and may do what it likes: raise, recurse for ever, exit, change its arguments,
return an object that equals everything. The judge turns all of it into a sentence and raises nothing itself.
What it does not contain is a loop that never ends: a person stops the kernel, a grader has a time limit, and the
interrupt is then the sentence.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable

from mini_lib.learn.exercise import Case, Exercise, Misconception, Outcome, Raised
from mini_lib.learn.values import NotPlain, Plain, difference, plain, same, shown
from mini_lib.learn.verdicts import Verdict
from mini_lib.withheld import Withheld

_NOT_PLAIN = "not plain data"  # the `Raised.name` of an answer that cannot be compared


def judge(exercise: Exercise, fn: object, cases: Iterable[Case] = ()) -> Verdict:
    """Return the verdict on `fn`: the exercise's own cases first, then `cases` if all of those went well.

    A NotImplementedError on the first case means that nobody has tried yet, and so does `...` in place of a function.
    """
    if fn is ...:
        return _not_attempted(exercise)
    if not callable(fn):
        return Verdict("wrong", f"{exercise.title} wants a function; you handed in {shown(fn)}.")
    outcomes: list[Outcome] = []
    for case in exercise.cases:
        outcomes.append(_outcome(exercise, fn, case))
        if _nobody_tried(outcomes[0]):
            return _not_attempted(exercise)
        if _was_stopped(outcomes[-1]):
            break
    if _first_wrong(exercise, outcomes) is None:
        outcomes += [_outcome(exercise, fn, case) for case in cases]
    return _verdict(exercise, fn, tuple(outcomes))


def _outcome(exercise: Exercise, fn: object, case: Case) -> Outcome:
    """Call `fn` on copies of the case's arguments and return what came of it."""
    assert callable(fn)
    args = copy.deepcopy(case.args)
    value: Plain | Raised
    try:
        value = plain(fn(*args) if exercise.drive is None else exercise.drive(fn, *args))
    except NotPlain as refusal:
        value = Raised(_NOT_PLAIN, str(refusal))
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # all that a student's function can do to us
        value = Raised(type(error).__name__, _first_line(error))
    return Outcome(case, value, _changed(case.args, args))


def _first_line(error: BaseException) -> str:
    try:
        return (str(error).splitlines() or [""])[0][:300]
    except Exception:  # an exception class of the student's own, whose __str__ fails in turn
        return ""


def _changed(before: tuple[object, ...], after: tuple[object, ...]) -> tuple[int, ...]:
    """Return the positions of the arguments that a call changed; those that were no plain data are not looked at."""
    return tuple(place for place, (old, new) in enumerate(zip(before, after, strict=True)) if _differ(old, new))


def _differ(old: object, new: object) -> bool:
    try:
        before = plain(old)
    except NotPlain:
        return False
    try:
        return not same(plain(new), before)
    except (NotPlain, OverflowError):  # it holds an object now, or a number beyond any float
        return True


def _nobody_tried(first: Outcome) -> bool:
    return isinstance(first.value, Raised) and first.value.name == "NotImplementedError"


def _was_stopped(outcome: Outcome) -> bool:
    return isinstance(outcome.value, Raised) and outcome.value.name == "KeyboardInterrupt"


def _first_wrong(exercise: Exercise, outcomes: Iterable[Outcome]) -> Outcome | None:
    return next((outcome for outcome in outcomes if not _is_right(exercise, outcome)), None)


def _is_right(exercise: Exercise, outcome: Outcome) -> bool:
    if isinstance(outcome.value, Raised) or outcome.changed:
        return False
    try:
        return bool(exercise.agrees(outcome.value, plain(outcome.case.expected)))
    except Exception:  # an `agrees` that stumbles over an answer of another shape: that answer is not right
        return False


def _not_attempted(exercise: Exercise) -> Verdict:
    wants = exercise.wants if exercise.wants.endswith((".", "?")) else f"{exercise.wants}."
    return Verdict("not attempted", f"{exercise.title} is still the stub. It wants {wants}")


def _verdict(exercise: Exercise, fn: object, outcomes: tuple[Outcome, ...]) -> Verdict:
    wrong = _first_wrong(exercise, outcomes)
    if wrong is None:
        return Verdict("right", _right(exercise, len(outcomes)), outcomes=outcomes)
    known = _recognised(exercise, outcomes)
    if known is not None:
        return Verdict("wrong", _pointed(known, outcomes), known.name, wrong.case, outcomes)
    return Verdict("wrong", _unrecognised(exercise, fn, wrong, outcomes), None, wrong.case, outcomes)


def _right(exercise: Exercise, num_cases: int) -> str:
    which = "visible cases" if num_cases == len(exercise.cases) else "cases"
    return f"Right on all {num_cases} {which}. {exercise.right}".strip()


def _recognised(exercise: Exercise, outcomes: tuple[Outcome, ...]) -> Misconception | None:
    for misconception in exercise.misconceptions:
        try:
            if misconception.recognises(outcomes):
                return misconception
        except Exception:  # a recogniser that stumbles over an answer of another shape has not recognised it
            continue
    return None


def _pointed(known: Misconception, outcomes: tuple[Outcome, ...]) -> str:
    sentence = known.told(outcomes)
    return f"{sentence} See '{known.see}' above." if known.see else sentence


def _unrecognised(exercise: Exercise, fn: object, wrong: Outcome, outcomes: tuple[Outcome, ...]) -> str:
    call = _call(exercise, fn, wrong.case)
    if isinstance(wrong.value, Raised):
        return _raised(wrong.value, call)
    if wrong.changed:
        return f"Your function changed {_names(exercise, fn, wrong)} {call}. Its caller still needs it: work on a copy."
    if all(outcome.value is None for outcome in outcomes) and len(outcomes) > 1:
        return "Your function gives back None on every case: is a `return` missing?"
    if exercise.differs is not None:
        return exercise.differs(wrong)
    expected = plain(wrong.case.expected)
    told = f"{call[0].upper()}{call[1:]} the answer is {shown(expected)}, yours is {shown(wrong.value)}."
    return told + difference(wrong.value, expected)


def _raised(raised: Raised, call: str) -> str:
    if raised.name == _NOT_PLAIN:
        return f"Your function gave back {raised.message}, {call}."
    if raised.name == Withheld.__name__ and raised.message:
        return f"{raised.message[0].upper()}{raised.message[1:]}"
    if raised.name == "KeyboardInterrupt":
        return f"Your function was still running when it was stopped, {call}. Look for a loop that never ends."
    what = f"{raised.name}: {raised.message}" if raised.message else raised.name
    return f"Your function raised {what} {call}."


def _call(exercise: Exercise, fn: object, case: Case) -> str:
    """Return "for sizes [1, 2], num_tokens 3": the arguments under the names that the function gives them."""
    names = _argument_names(exercise, fn, len(case.args))
    told = [f"{name} {shown(value)}".strip() for name, value in zip(names, case.args, strict=True)]
    return f"for {', '.join(told)}" if told else "when called"


def _names(exercise: Exercise, fn: object, outcome: Outcome) -> str:
    names = _argument_names(exercise, fn, len(outcome.case.args))
    return " and ".join(names[place] or f"argument {place + 1}" for place in outcome.changed)


def _argument_names(exercise: Exercise, fn: object, num_args: int) -> list[str]:
    assert callable(fn)
    names = list(exercise.arguments)
    if not names:
        try:
            names = list(inspect.signature(fn).parameters)
        except (TypeError, ValueError):
            names = []
    return (names + [""] * num_args)[:num_args]
