"""Results as the grader makes them, made by hand: for tests of what people read."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from autograde.inside.results import ExerciseResult, Regrade, SubmissionResult

LAB = "lab04_capture_sizes"
ROUNDS_DOWN = "For 9 tokens and sizes [1, 2, 4, 8, 16] you chose 8. That graph has no room for the ninth row."
ANSWER = '''def size_for(num_tokens, sizes):
    """Return the smallest size that holds `num_tokens`, or None."""
    best = None
    for size in sizes:
        if size <= num_tokens:
            best = size
    return best
'''
FRAME = (
    "Cell In[4], line 5, in size_for(num_tokens, sizes)\n      4     for size in sizes:\n----> 5         if size <= n:"
)
EXERCISES = (
    ExerciseResult("default_sizes", "4.1 Default sizes of production", "right", 4, 4, "Right.", answer="SIZES = [1]"),
    ExerciseResult("size_for", "4.2 Size lookup", "wrong", 0, 2, ROUNDS_DOWN, "rounds down", ANSWER, (FRAME,)),
    ExerciseResult(
        "padding_waste", "4.3 Padding waste", "partial", 1.5, 3, "3 of 6 ladders are right.", answer="x = 1"
    ),
    ExerciseResult("pad_batch", "4.4 Harmless padding", "not_attempted", 0, 4, "Task 4.4 is still the stub."),
    ExerciseResult("best_sizes", "4.5 The best ladder", "not_run", 0, 5, "It was stopped at the limit of 15 s a cell."),
    ExerciseResult("why", "4.6 Say why", "needs_grader", 0, 2, "A person reads this answer.", answer="Because."),
)
ADA = SubmissionResult("ada", LAB, "graded", 5.5, 20, EXERCISES, isolation="sandbox")
NO_RUN = tuple(replace(one, status="not_run", score=0.0, misconception="", frames=()) for one in EXERCISES)
FAILED = {
    "timed_out": "The notebook was stopped at its limit of 90 s.",
    "kernel_died": "Python ended at the cell `size_for`: it used more than 4 GB of memory.",
    "unreadable": "This file is not a notebook: its text is no JSON (JSONDecodeError).",
    "missing": "Nothing was handed in under lab04_capture_sizes/lab04_capture_sizes.ipynb.",
    "grader_error": "The grader failed on your results, not you: KeyError: 'cells'",
}
REGRADE = Regrade("the test of 4.2 refused a right answer", "size_for", 0, 2)


def failed(student: str, status: str) -> SubmissionResult:
    """Return the result of a notebook that did not come to its end."""
    return SubmissionResult(student, LAB, status, 0, 20, NO_RUN, FAILED[status], isolation="sandbox")


def a_class(size: int) -> list[SubmissionResult]:
    """Return a class in which some are good and some are not, the same at every call."""
    draw = Random(size)
    return [_one(f"student{number:04d}", draw) for number in range(size)]


def _one(student: str, draw: Random) -> SubmissionResult:
    if draw.random() < 0.06:
        return failed(student, draw.choice(list(FAILED)))
    skill = draw.betavariate(5, 2)
    parts = tuple(_drawn(exercise, skill - 0.06 * place, draw) for place, exercise in enumerate(EXERCISES))
    return SubmissionResult(student, LAB, "graded", sum(one.score for one in parts), 20, parts, isolation="sandbox")


def _drawn(exercise: ExerciseResult, skill: float, draw: Random) -> ExerciseResult:
    if exercise.status == "needs_grader" and draw.random() < 0.3:
        return exercise
    known = draw.choice(["rounds down", "rounds down", "counts rows instead of shares", ""])
    got = draw.random()
    if got < skill:
        return replace(
            exercise, status="right", score=exercise.max_score, message="Right.", misconception="", frames=()
        )
    if got < skill + 0.15:
        return replace(exercise, status="partial", score=exercise.max_score / 2, misconception="", frames=())
    if got < skill + 0.3:
        return replace(exercise, status="not_attempted", score=0.0, misconception="", frames=())
    return replace(exercise, status="wrong", score=0.0, message=f"{ROUNDS_DOWN} ({known})", misconception=known)
