"""What a student gets back: one HTML page, made from one result and from nothing else.

The graded notebook is not shown: it holds the hidden tests, and whatever a student displayed. A result holds the
sentences, the student's own cells and, of a traceback, the lines in those cells; all of it was rid of hidden lines when
the result was made. Here it is cut to what a page can hold, and rid of them once more where the caller knows them.

The sentences were made for the notebook, where a paragraph stands "above" and a cell is the one that just ran. Who
reads them elsewhere is told in the lab's own words where that is: cells have no name on a student's screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from autograde.inside.results import ExerciseResult, SubmissionResult
from autograde.pages import WORDS, points, render

MAX_ANSWER = 8_000  # characters
MAX_FRAMES, MAX_FRAME = 12, 1_000  # so many frames, each with so many characters
MAX_MESSAGE, MAX_NOTES = 2_000, 50
WITHHELD = "[a line of a hidden test]"
MARKERS = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
ABOVE = re.compile(r"(See '.+?') above\.")
DEFINED = re.compile(r"^(?:async def|def|class)\s+(\w+)", re.MULTILINE)
CALLED = re.compile(r"(?<![\w.])(?<!def )(\w+)\(")
HANDED_ON = re.compile(r"\w=(\w+)[,)]")
RUN_ALL = 'Choose "Restart Kernel and Run All Cells" in your notebook: it should come to its end.'
NEXT_STEPS = {
    "timed_out": f"What came to its end counts. {RUN_ALL}",
    "kernel_died": f"What ran before that counts. {RUN_ALL}",
    "unreadable": "Hand in the `.ipynb` file as JupyterLab saves it.",
    "missing": "If you handed something in, tell your instructor under which name.",
    "grader_error": "This is not your fault and says nothing about your work. Your instructor sees it, too.",
}
HEADLINES = {
    "unreadable": "Your file could not be read",
    "missing": "Nothing was handed in",
    "grader_error": "Not graded yet",
}


def page(result: SubmissionResult, hidden: Iterable[str] = (), next_step: str | None = None, own: bool = False) -> str:
    """Return the page for one submission. Lines in `hidden` appear nowhere but in the student's own cells.

    `next_step` stands in place of what its status says, `own` says that its reader ran the tests and handed nothing in.
    """
    shown = cut(result, tuple(hidden))
    return render(
        "feedback.html",
        title=f"{result.lab}: {result.student}",
        result=shown,
        headline=headline(result),
        exercises=() if is_unknown(result) else shown.exercises,
        first={exercise.id: look_first(exercise, shown.exercises) for exercise in shown.exercises},
        reached=_reached(result),
        next_step=NEXT_STEPS.get(result.status, "") if next_step is None else next_step,
        own=own,
        where_it_stopped=where_it_stopped,
        titles={exercise.id: exercise.title for exercise in result.exercises},
        words=WORDS,
        pictures=False,
        wide=False,
    )


def is_unknown(result: SubmissionResult) -> bool:
    """Tell whether nothing ran: then it is said why, and no exercise is shown as one with 0 points."""
    return result.status in HEADLINES and not result.score


def look_first(exercise: ExerciseResult, exercises: Iterable[ExerciseResult]) -> str:
    """Return where to look first: an answer that uses another which is not right yet is seldom right before it."""
    code = exercise.answer
    used = {*CALLED.findall(code), *HANDED_ON.findall(code)} - set(DEFINED.findall(code))
    for one in exercises if exercise.status in ("wrong", "partial", "not_attempted") else ():
        known = used & {one.id, *DEFINED.findall(one.answer)}
        if known and one.id != exercise.id and one.status != "right":
            return f"Your answer uses `{min(known)}`, and {one.title} is not right yet: look there first."
    return ""


def where_it_stopped(exercise: ExerciseResult) -> str:
    """Return what stands above the frames. A sentence on a wrong idea is about another case than they may be."""
    return f"Where your code stopped{', in one of the cases' * bool(exercise.misconception)}:"


def headline(result: SubmissionResult) -> str:
    """Return the points that a notebook came to, or why it came to none."""
    if is_unknown(result):
        return HEADLINES[result.status]
    so_far = any(exercise.status == "needs_grader" for exercise in result.exercises)
    return f"{points(result.score)} of {points(result.max_score)} points{' so far' * so_far}"


def _reached(result: SubmissionResult) -> int:
    """Return the share of the points, of 1000."""
    share = result.score / result.max_score if result.max_score > 0 else 0.0
    return round(1000 * min(max(share, 0.0), 1.0))


def cut(result: SubmissionResult, hidden: tuple[str, ...]) -> SubmissionResult:
    """Return the result as it reads away from the notebook: no text longer than a page can hold, no hidden line."""
    own = "\n".join(exercise.answer for exercise in result.exercises)
    foreign = tuple(line for line in hidden if line not in own) + MARKERS
    return replace(
        result,
        sentence=_with_titles(_without(result.sentence, foreign), result)[:MAX_MESSAGE],
        notes=tuple(_with_titles(_without(note, foreign), result)[:MAX_MESSAGE] for note in result.notes[:MAX_NOTES]),
        exercises=tuple(_cut(exercise, foreign) for exercise in result.exercises),
    )


def _cut(exercise: ExerciseResult, hidden: tuple[str, ...]) -> ExerciseResult:
    left = len(exercise.answer) - MAX_ANSWER
    rest = f"\n... and {left} more characters" if left > 0 else ""
    return replace(
        exercise,
        message=ABOVE.sub(r"\1 in the lab.", _without(exercise.message, hidden))[:MAX_MESSAGE],
        answer=exercise.answer[:MAX_ANSWER] + rest,
        frames=tuple(_without(frame, hidden)[:MAX_FRAME] for frame in exercise.frames[:MAX_FRAMES]),
    )


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for line in hidden:
        text = text.replace(line, WITHHELD)
    return text


def _with_titles(text: str, result: SubmissionResult) -> str:
    """Return a sentence in which a cell that belongs to an exercise says to which."""
    titles = {exercise.id: exercise.title for exercise in result.exercises}
    for cell in result.cells:
        if cell.exercise in titles:
            text = text.replace(f"`{cell.name}`", f"`{cell.name}` of {titles[cell.exercise]}")
    return text
