"""Exercises 7.1 and 7.2: the sequential loop and the overlap loop."""

from __future__ import annotations

from functools import partial

from mini_lib.labs.lab07.findings import FINE, fine, told, wrong_idea
from mini_lib.labs.lab07.loop_run import run_normal, run_overlap
from mini_lib.labs.lab07.pictures import lanes
from mini_lib.learn import Case, Exercise

_CALLS, _NONE, _PAIR = "Four calls", "None means: not now", "A batch and its output"
_ORDER, _GATE, _LAST = "Launch first, then look back", "The gate", "The last step"

_ONE = [([5, 0, 3], 3, 0.0)]
_BUSY = [([5, 0, 3], 4, 0.0), ([7, 7, 1, 9, 2, 10, 8, 4], 3, 0.0), ([11], 6, 0.0), ([2, 12, 6, 1, 9], 2, 900.0)]
_LATE = [([4, 9], 2, 0.0), ([8, 1, 0], 3, 40_000.0), ([6], 1, 90_000.0)]
_STOPS = [([3, 1], 20, 0.0), ([9, 9, 2], 20, 0.0), ([1, 2, 3, 4], 20, 0.0), ([10], 9, 0.0), ([12, 0], 20, 5_000.0)]
_SHORT_OF_KV = [([1, 2, 3, 4, 5], 9, 0.0), ([6, 7, 8], 9, 0.0), ([9, 10], 9, 0.0)]
_CASES = tuple(
    Case((requests, limits), FINE)
    for requests, limits in (
        (_ONE, {}),
        (_BUSY, {}),
        (_LATE, {}),
        (_STOPS, {"stop_token_id": 4}),
        (_SHORT_OF_KV, {"num_blocks": 7}),
    )
)

_SHARED = (
    wrong_idea("launches None", see=_NONE),
    wrong_idea("processes None", see=_NONE),
    wrong_idea("stops early", see=_NONE),
    wrong_idea("busy", see=_NONE),
    wrong_idea("goes on", see=_NONE),
    wrong_idea("sleeps too soon", see=_NONE),
    wrong_idea("never waits", see=_CALLS),
    wrong_idea("processes twice", see=_CALLS),
    wrong_idea("schedules twice", see=_CALLS),
    wrong_idea("launches another batch", see=_CALLS),
)

EVENT_LOOP_NORMAL = Exercise(
    id="event_loop_normal",
    title="7.1 The sequential loop",
    wants="a loop that schedules, launches, waits and processes, step by step, until has_unfinished() is False",
    cases=_CASES,
    misconceptions=(
        *_SHARED,
        wrong_idea("not sequential", see=_CALLS),
        wrong_idea("leaves a step lying", see=_CALLS),
        wrong_idea("leaves the last step", see=_CALLS),
        wrong_idea("tokens of another step", see=_CALLS),
        wrong_idea("sleeps on a step", see=_NONE),
    ),
    right="In words: one step at a time, and the GPU waits whenever the CPU works.",
    hints=(
        "Four calls make a step: schedule, execute_model, wait, update_from_output. And one question ends the loop.",
        "While scheduler.has_unfinished(): make a batch. If it is None, call scheduler.wait_for_arrival() and go round "
        "again. Else launch it, wait for its tokens, and process them.",
        "The last two lines: output = runner.execute_model(batch), then "
        "scheduler.update_from_output(batch, output.wait()).",
    ),
    agrees=fine,
    differs=told,
    drive=run_normal,
    picture=partial(lanes, case=1, title="Your sequential loop"),
    arguments=("requests", "limits"),
    difficulty=1,
    importance=4,
    minutes=5,
    points=2,
)

EVENT_LOOP_OVERLAP = Exercise(
    id="event_loop_overlap",
    title="7.2 The overlap loop",
    wants="a loop that launches step n and then processes step n - 1, while the GPU computes step n",
    cases=_CASES,
    misconceptions=(
        wrong_idea("deadlock", see=_GATE),
        wrong_idea("processes first", see=_ORDER),
        wrong_idea("waits before it launches", see=_ORDER),
        wrong_idea("leaves the last step", see=_LAST),
        wrong_idea("leaves a step lying", see=_LAST),
        wrong_idea("two in flight", see=_ORDER),
        wrong_idea("out of order", see=_ORDER),
        wrong_idea("processes what never ran", see=_PAIR),
        wrong_idea("tokens of another step", see=_PAIR),
        wrong_idea("sleeps on a step", see=_LAST),
        *_SHARED,
    ),
    right="In words: launch step n before you look at step n - 1, and the CPU's work hides behind the GPU's.",
    hints=(
        "Keep what is in flight in one variable: a pair of batch and output, or None. In each round there may be a "
        "new batch, something in flight, both, or neither.",
        "Each round: schedule; if there is a batch, launch it and make a new pair. *Then*, if there was something in "
        "flight from the round before, wait for it and process it. With neither, wait_for_arrival. Last, the new pair "
        "(or None) becomes what is in flight.",
        "while in_flight or scheduler.has_unfinished(): is the condition, because the last step must be processed when "
        "no request is left. Processing is: before, output = in_flight, then "
        "scheduler.update_from_output(before, output.wait()).",
    ),
    agrees=fine,
    differs=told,
    drive=run_overlap,
    picture=partial(lanes, case=1, title="Your overlap loop"),
    arguments=("requests", "limits"),
    difficulty=3,
    importance=5,
    minutes=15,
    points=5,
)
