"""Lab 1's tests are good: wrong answers lose and are told why, right ones lose nothing, the stub is not attempted."""

from mini_lib.labs import lab01 as library
from mini_lib.timing import decode_step
from tests.labs.lab_rules import AnswerTests, Rules

RULES = Rules(
    lab="lab01",
    library=library,
    exercises=(
        library.LAUNCH_QUEUE,
        library.STEP_TIME,
        library.CROSSOVER,
        library.FIT,
        library.PREDICT_SWEEP,
        library.ENFORCE_EAGER,
    ),
    points=20,
    least_mutants=155,
    least_right_answers=18,
    least_secret_lines=100,
    withheld_call="from mini_lib.timing import LaunchQueue\nprint(LaunchQueue().now_us)",
    library_answers=(decode_step,),
    quiet=tuple(f"mini_lib.labs.lab01.{module}" for module in ("pictures", "showing")),
)


class TestAnswers(AnswerTests):
    rules = RULES
