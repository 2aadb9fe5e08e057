"""Are the tests of a lab good? The solution must get all points, the release none, wrong answers must lose, and right
ones, however written, must not.

Each answer of `mutants.py` is handed in as a student would hand it in, and goes through the same pipeline. Where a lab
says that some of its exercises know nothing of one another, one submission holds an answer to each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from autograde.course import CannotGrade, Course, Lab
from autograde.inside.results import SubmissionResult
from autograde.mutants import Answers, Mutant, RightAnswer, load_answers
from autograde.pipeline import Bench, bench, hand_in, run, solution
from autograde.pool import Hands


@dataclass(frozen=True)
class LabCheck:
    """What came out for one lab. `failures` says in sentences what must be better; it is empty when all is well."""

    lab: str
    solution: SubmissionResult
    release: SubmissionResult
    total: int
    caught: int
    named: int
    right: int
    passed: int
    failures: tuple[str, ...] = field(default=())

    def public(self) -> dict[str, Any]:
        """Return the part that `check --json` promises to other programs."""
        return {
            "lab": self.lab,
            "solution": {"score": self.solution.score, "max_score": self.solution.max_score},
            "release": self.release.status,
            "mutants": {"total": self.total, "caught": self.caught, "named": self.named},
            "right_answers": {"total": self.right, "passed": self.passed},
        }

    def text(self) -> str:
        """Return the same for people."""
        caught = f"{self.caught} of {self.total} mutants caught, {self.named} of them told what they did"
        right = f"{self.passed} of {self.right} right answers keep all points"
        solved = f"solution {self.solution.score:g} of {self.solution.max_score:g}, release {self.release.status}"
        return f"{self.lab}: {solved}, {caught}, {right}: {'ok' if not self.failures else 'NOT OK'}"


def check(course: Course, lab: Lab, at_once: int, hands: Hands) -> LabCheck:
    """Hand in the solution, the release and every answer of the lab's `mutants.py`; return what each came to."""
    with bench(course, lab, lab.seed, hands) as place:
        return check_at(place, at_once)


def check_at(place: Bench, at_once: int) -> LabCheck:
    """Do the same at a bench that is there already, with its seed and in its sandbox."""
    answers = load_answers(place.lab.folder / "mutants.py")
    return _checked(place.lab, answers, _results(place, answers, at_once))


def _results(place: Bench, answers: Answers, at_once: int) -> dict[str, SubmissionResult]:
    own = solution(place)
    unknown = {one.exercise for one in answers.all()}.difference(own)
    if unknown:
        answered, asked = ", ".join(sorted(unknown)), ", ".join(own)
        raise CannotGrade(f"{place.lab.name}: mutants.py answers {answered}, but the lab asks for {asked}")
    folders = {"solution": hand_in(place, "solution", own), "release": hand_in(place, "release", {})}
    together = place.lab.answers_together
    # apart from the wrong ones, as a right answer must keep all points of all exercises
    side_by_side = [*packs(answers.mutants, together), *packs(answers.right, together)]
    for number, pack in enumerate(side_by_side):
        mine = {one.exercise: one.code for one in pack}
        folders[pack[0].name] = hand_in(place, f"answer-{number}", {**own, **mine})
    found = {graded.result.student: graded.result for graded in run(place, folders, at_once)}
    return found | {one.name: found[pack[0].name] for pack in side_by_side for one in pack}


def packs(answers: Sequence[Mutant | RightAnswer], together: Sequence[str]) -> list[list[Mutant | RightAnswer]]:
    """Return the answers as they are handed in: those to exercises in `together` side by side, one of each."""
    columns = [[one for one in answers if one.exercise == exercise] for exercise in together]
    rows = [[one for one in row if one is not None] for row in zip_longest(*columns)]
    return rows + [[one] for one in answers if one.exercise not in together]


def _checked(lab: Lab, answers: Answers, found: dict[str, SubmissionResult]) -> LabCheck:
    own, release = found["solution"], found["release"]
    failures = [*_not_full("the solution", own), *_attempted(release)]
    caught = [mutant for mutant in answers.mutants if _lost(mutant, own, found[mutant.name]) >= mutant.loses]
    named = [mutant for mutant in answers.mutants if mutant.told in _message(mutant, found[mutant.name])]
    failures += [_kept(mutant, own, found[mutant.name]) for mutant in answers.mutants if mutant not in caught]
    failures += [_untold(mutant, found[mutant.name]) for mutant in answers.mutants if mutant not in named]
    wrong = [sentence for one in answers.right for sentence in _not_full(f"right answer {one.name!r}", found[one.name])]
    failed = {one.name for one in answers.right if list(_not_full("", found[one.name]))}
    return LabCheck(
        lab.name,
        own,
        release,
        total=len(answers.mutants),
        caught=len(caught),
        named=len(named),
        right=len(answers.right),
        passed=len(answers.right) - len(failed),
        failures=(*failures, *wrong),
    )


def _not_full(what: str, found: SubmissionResult) -> Iterable[str]:
    for part in found.exercises:
        if part.status not in ("right", "needs_grader"):
            yield f"{what} gets {part.score:g} of {part.max_score:g} for {part.id}: {part.message}"


def _attempted(release: SubmissionResult) -> Iterable[str]:
    if release.status != "not_attempted" or release.score:
        got = f"{release.status!r} with {release.score:g} points"
        yield f"the untouched release is {got}; it must be 'not_attempted' with 0"


def _lost(one: Mutant, own: SubmissionResult, found: SubmissionResult) -> float:
    return _score(one, own) - _score(one, found)


def _score(one: Mutant | RightAnswer, found: SubmissionResult) -> float:
    return next((part.score for part in found.exercises if part.id == one.exercise), 0.0)


def _message(one: Mutant, found: SubmissionResult) -> str:
    return next((part.message for part in found.exercises if part.id == one.exercise), "")


def _kept(one: Mutant, own: SubmissionResult, found: SubmissionResult) -> str:
    return f"mutant {one.name!r} loses {_lost(one, own, found):g} points of {one.exercise}, it must lose {one.loses:g}"


def _untold(one: Mutant, found: SubmissionResult) -> str:
    return f"mutant {one.name!r} must be told {one.told!r}; it is told: {_message(one, found)}"
