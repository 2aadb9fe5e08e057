"""What a student gets back: one HTML page, made from one result and from nothing else.

The graded notebook is not shown: it holds the hidden tests, and whatever a student displayed. A result holds the
sentences, the student's own cells and, of a traceback, the lines in those cells; all of it was rid of hidden lines when
the result was made. Here it is cut to what a page can hold, and rid of them once more where the caller knows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.pages import WORDS, points, render

MAX_ANSWER = 8_000  # characters
MAX_FRAMES, MAX_FRAME = 12, 1_000  # so many frames, each with so many characters
MAX_MESSAGE, MAX_NOTES = 2_000, 50
WITHHELD = "[a line of a hidden test]"
MARKERS = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
RUN_ALL = 'Choose "Restart Kernel and Run All Cells" in your notebook: it should come to its end.'
NEXT_STEPS = {
    "timed_out": f"What ran before the limit counts. {RUN_ALL}",
    "kernel_died": f"What ran before that counts. {RUN_ALL}",
    "unreadable": "Hand in the `.ipynb` file that JupyterLab saved, as it is.",
    "missing": "If you handed something in, tell your instructor under which name.",
    "grader_error": "This is not your fault and says nothing about your work. Your instructor sees it, too.",
}
HEADLINES = {
    "unreadable": "Your file could not be read",
    "missing": "Nothing was handed in",
    "grader_error": "Not graded yet",
}


def page(result: SubmissionResult, hidden: Iterable[str] = ()) -> str:
    """Return the page for one submission. Lines in `hidden` appear nowhere but in the student's own cells."""
    shown = cut(result, tuple(hidden))
    return render(
        "feedback.html",
        title=f"{result.lab}: {result.student}",
        result=shown,
        headline=HEADLINES[result.status] if _is_unknown(result) else _points(result),
        exercises=() if _is_unknown(result) else shown.exercises,
        reached=_reached(result),
        next_step=NEXT_STEPS.get(result.status, ""),
        titles={exercise.id: exercise.title for exercise in result.exercises},
        words=WORDS,
        pictures=False,
        wide=False,
    )


def _is_unknown(result: SubmissionResult) -> bool:
    """Tell whether nothing ran: then the page says why, and shows no exercise as one with 0 points."""
    return result.status in HEADLINES and not result.score


def _points(result: SubmissionResult) -> str:
    so_far = any(exercise.status == "needs_grader" for exercise in result.exercises)
    return f"{points(result.score)} of {points(result.max_score)} points{' so far' * so_far}"


def _reached(result: SubmissionResult) -> int:
    """Return the share of the points, of 1000."""
    share = result.score / result.max_score if result.max_score > 0 else 0.0
    return round(1000 * min(max(share, 0.0), 1.0))


def cut(result: SubmissionResult, hidden: tuple[str, ...]) -> SubmissionResult:
    """Return the result with no text longer than a page can hold, and with no hidden line in any."""
    own = "\n".join(exercise.answer for exercise in result.exercises)
    foreign = tuple(line for line in hidden if line not in own) + MARKERS
    return replace(
        result,
        sentence=_without(result.sentence, foreign)[:MAX_MESSAGE],
        notes=tuple(_without(note, foreign)[:MAX_MESSAGE] for note in result.notes[:MAX_NOTES]),
        exercises=tuple(_cut(exercise, foreign) for exercise in result.exercises),
    )


def _cut(exercise: ExerciseResult, hidden: tuple[str, ...]) -> ExerciseResult:
    left = len(exercise.answer) - MAX_ANSWER
    rest = f"\n... and {left} more characters" if left > 0 else ""
    return replace(
        exercise,
        message=_without(exercise.message, hidden)[:MAX_MESSAGE],
        answer=exercise.answer[:MAX_ANSWER] + rest,
        frames=tuple(_without(frame, hidden)[:MAX_FRAME] for frame in exercise.frames[:MAX_FRAMES]),
    )


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for line in hidden:
        text = text.replace(line, WITHHELD)
    return text
