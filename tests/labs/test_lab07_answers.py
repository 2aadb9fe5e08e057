"""Lab 7's tests are good: wrong answers lose and are told why, right ones lose nothing, the stub is not attempted."""

from mini_lib.engine import FutureMap
from mini_lib.labs import lab07 as library
from mini_lib.scheduling import event_loop_normal, event_loop_overlap
from tests.labs.lab_rules import AnswerTests, Rules

RULES = Rules(
    lab="lab07",
    library=library,
    exercises=(
        library.EVENT_LOOP_NORMAL,
        library.EVENT_LOOP_OVERLAP,
        library.RING_FUTURE_MAP,
        library.CORRUPTING_WORKLOAD,
        library.POOL_FUTURE_MAP,
        library.OVERLAPPED_ENGINE,
        library.LOOP_TIMES,
    ),
    points=28,
    least_mutants=100,
    least_right_answers=8,
    least_secret_lines=80,
    withheld_call="from mini_lib.scheduling import event_loop_overlap\nevent_loop_overlap(None, None)",
    library_answers=(event_loop_normal, event_loop_overlap, FutureMap),
    names={"ring_future_map": "RingFutureMap", "pool_future_map": "PoolFutureMap"},
    quiet=tuple(f"mini_lib.labs.lab07.{module}" for module in ("pictures", "showing", "ring_workload")),
    shared_ideas={"event_loop_normal": "event_loop_overlap", "ring_future_map": "pool_future_map"},
)


class TestAnswers(AnswerTests):
    rules = RULES
