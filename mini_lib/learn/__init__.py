"""What notebooks and labs ask of a student: predict, reveal, check, hint; and how an answer is judged.

    predict before you run, reveal afterwards        -> predictions.py
    check says: not attempted, wrong and why, right  -> exercise.py, judging.py, verdicts.py, checking.py
    answers are plain data, compared as such         -> values.py

It draws nothing and imports neither torch nor matplotlib: an exercise that wants a picture brings it along.
"""

from mini_lib.learn.checking import check, hint, start_lab
from mini_lib.learn.examining import doctor
from mini_lib.learn.exercise import Case, Exercise, Misconception, Outcome, Raised, answers
from mini_lib.learn.judging import judge
from mini_lib.learn.predictions import load_predictions, predict, predictions_file, reveal
from mini_lib.learn.values import NotPlain, Plain, difference, plain, same, shown
from mini_lib.learn.verdicts import NotAttempted, Verdict, WrongAnswer, require

__all__ = [
    "Case", "Exercise", "Misconception", "NotAttempted", "NotPlain", "Outcome", "Plain", "Raised", "Verdict",
    "WrongAnswer", "answers", "check", "difference", "doctor", "hint", "judge", "load_predictions", "plain",
    "predict", "predictions_file", "require", "reveal", "same", "shown", "start_lab",
]  # fmt: skip
