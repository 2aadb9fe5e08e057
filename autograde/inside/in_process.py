"""Tests that run beside what they test, for a lab that cannot do otherwise: between canaries, one at a time.

Here a student's code shares the interpreter with the test, may read it, and may change what it stands on. A canary is
a check that must fail, and must say a word that nobody could know before. Some run before each test and some behind it;
where one passes, or fails without its word, somebody has changed what checks are, and the test counts nothing. That
finds a patched `assert_allclose` or a judge that nods. It does not find a student who patches only what a test uses and
no canary does, nor one whose shell lets canaries through and passes over all other cells: that gave full points. And
who reads a hidden test can spell it out in an error, which their feedback shows. For both there is the split mode,
which is the rule.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from autograde.inside.examiner import Ended, Examiner
from autograde.inside.far_errors import OF_THE_GRADER
from autograde.inside.outputs import error_output
from autograde.inside.shown import Output

TAMPERED = (
    "The checks had been tampered with: one that must fail did not, beside this test. Restart, run only your answers "
    "and the course's own cells, and hand in again."
)
ALWAYS = ("assert False, {word!r}", "assert [1, 2] == [1, 3], {word!r}", "raise ValueError({word!r})")
NUMPY = (
    "import numpy.testing as canary\ncanary.assert_allclose([1.0], [2.0], err_msg={word!r})",
    "import numpy.testing as canary\ncanary.assert_array_equal([1, 2], [1, 3], err_msg={word!r})",
    "import numpy as canary\nassert canary.allclose([1.0], [2.0]), {word!r}",
    "import numpy as canary\nassert canary.array_equal([1, 2], [1, 3]), {word!r}",
)
TORCH = ("import torch as canary\nassert canary.equal(canary.ones(2), canary.zeros(2)), {word!r}",)
LIBRARY = (
    "import mini_lib.learn as canary\ncanary.require(canary.Verdict('wrong', {word!r}))",
    "import mini_lib.learn as canary\n"
    "canary.require(canary.judge(canary.Exercise('c', 'C', 'it', (canary.Case((1,), {word!r}),)), lambda one: 3))",
)
KINDS = {"numpy": NUMPY, "torch": TORCH, "mini_lib": LIBRARY}


def canaries(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the canaries for tests that stand on what these texts name."""
    text = "\n".join(texts)
    return (*ALWAYS, *(canary for name, kind in KINDS.items() if name in text for canary in kind))


def tested(by: Examiner, source: str, count: int, songs: Sequence[str]) -> Ended:
    """Run a test in the student's process between canaries, and return how it ended, or that it counts nothing."""
    alive = _all_fail(by, count, songs)
    ended = by.student_cell(source, count)
    if not (alive and _all_fail(by, count, songs)):
        return Ended([dict(error_output("Tampered", TAMPERED))])
    return Ended(_one_verdict(ended.outputs), None, ended.frames)


def _all_fail(by: Examiner, count: int, songs: Sequence[str]) -> bool:
    """Tell whether every canary ends in an error that says its word, and shows no result beside it."""
    for song in songs:
        word = secrets.token_hex(8)
        outputs = by.student_cell(song.format(word=word), count).outputs
        kinds = [one["output_type"] for one in outputs]
        if kinds.count("error") != 1 or "execute_result" in kinds or word not in _error(outputs)["evalue"]:
            return False
    return True


def _one_verdict(outputs: list[Output]) -> list[Output]:
    """Return the outputs with one thing that gives or denies points: the error, else the last result.

    A tested function may have shown a result of its own, and nbgrader would believe the first.
    """
    errors = [one for one in outputs if one["output_type"] == "error"]
    results = [one for one in outputs if one["output_type"] == "execute_result"]
    beside = [one for one in outputs if one["output_type"] not in ("error", "execute_result")]
    return [*beside, *([_named(errors[-1])] if errors else results[-1:])]


def _named(error: Output) -> Output:
    return {**error, "ename": "Exception"} if error["ename"] in OF_THE_GRADER else error


def _error(outputs: Iterable[Output]) -> Mapping[str, str]:
    return next(one for one in outputs if one["output_type"] == "error")
