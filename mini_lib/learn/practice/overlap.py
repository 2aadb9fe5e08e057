"""Notebook 09: read an event log, and count the rows that nobody asked for."""

from __future__ import annotations

from mini_lib.learn.exercise import Case, Exercise, Misconception, answers

_SEQUENTIAL = "launch 0, wait 0, process 0, launch 1, wait 1, process 1, launch 2, wait 2, process 2"
_OVERLAPPED = "launch 0, launch 1, wait 0, process 0, launch 2, wait 1, process 1, wait 2, process 2"
_ONLY_AT_FIRST = "launch 0, launch 1, wait 0, process 0, wait 1, process 1, launch 2, wait 2, process 2"
_WAITS_IN_LAUNCH = "launch 0, wait 0, launch 1, wait 1, process 0, launch 2, wait 2, process 1, process 2"

OVERLAPS = Exercise(
    id="09/overlaps",
    title="Exercise 9.1",
    wants="True or False back: does every step but the first compute while the step before it is processed?",
    cases=(
        Case((_SEQUENTIAL.split(", "), 3), False),
        Case((_OVERLAPPED.split(", "), 3), True),
        Case((_ONLY_AT_FIRST.split(", "), 3), False),
        Case((_WAITS_IN_LAUNCH.split(", "), 3), False),
        Case((_OVERLAPPED.replace("launch 2, ", "").replace(", wait 2, process 2", "").split(", "), 2), True),
    ),
    misconceptions=(
        Misconception(
            "compares a step with itself",
            "You call the sequential log overlapped. Every step is launched before it is processed, in any loop: "
            "compare step k with step k + 1.",
            answers({0: True, 1: True, 2: True}),
            see="Launch first, then process",
        ),
        Misconception(
            "the wrong way round",
            "You call the sequential log overlapped and the overlapped one not. Overlap means that step k + 1 is "
            "launched before step k is processed.",
            answers({0: True, 1: False}),
            see="Launch first, then process",
        ),
        Misconception(
            "one pair is enough",
            "In the third log step 1 overlaps, and step 2 is launched after step 1 was processed. One good pair is no "
            "overlapping loop: ask it of every pair.",
            answers({0: False, 1: True, 2: True}),
        ),
        Misconception(
            "does not see the wait in the launch",
            "In the fourth log step 1 is launched before step 0 is processed, and then the CPU waits for step 1 before "
            "it processes step 0. The launches stand in the right order and nothing runs at the same time.",
            answers({0: False, 1: True, 2: False, 3: True}),
            see="Proof without a timer",
        ),
    ),
    right="In words: launch k + 1, process k, and only then wait for k + 1, for every k.",
    hints=(
        "Three events of two neighbouring steps decide: launch k + 1, process k, wait k + 1. In which order?",
        "`log.index('launch 1')` is the place of an event; Python lets you chain: `a < b < c`.",
        "`all(... for k in range(num_steps - 1))` over "
        "`log.index(f'launch {k + 1}') < log.index(f'process {k}') < log.index(f'wait {k + 1}')`.",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)

ROWS_COMPUTED = Exercise(
    id="09/rows_computed",
    title="Exercise 9.2",
    wants="one integer back: for how many steps the overlap loop computes a row for this request",
    cases=(
        Case((6, None), 6),
        Case((6, 3), 4),
        Case((6, 6), 6),
        Case((6, 5), 6),
        Case((1, None), 1),
        Case((8, 1), 2),
    ),
    misconceptions=(
        Misconception(
            "sees the stop in time",
            "For a stop token in place 3 you say 3 rows. When step 3 is launched the CPU has not seen that token yet: "
            "one row more is computed, and dropped.",
            answers({0: 6, 1: 3}),
            see="One step late",
        ),
        Misconception(
            "late at the length too",
            "For 6 tokens and no stop you say 7 rows. That the sixth token is the last is known before anybody has "
            "seen it: the request is not launched again.",
            answers({0: 7}),
            see="One step late",
        ),
        Misconception(
            "goes beyond the length",
            "The stop token is the sixth of at most 6 tokens, and you say 7 rows. Its length ends this request ahead "
            "of time, so no seventh step is launched.",
            answers({0: 6, 1: 4, 2: 7}),
            see="One step late",
        ),
    ),
    right="In words: a stop token is seen one step late, and a length is known ahead of time.",
    hints=(
        "Without a stop token the answer is `max_new_tokens`. How many more than `stop_at` is it with one?",
        "One more, unless the length ends the request at that very moment.",
        "`max_new_tokens if stop_at is None else` the smaller of `stop_at + 1` and `max_new_tokens`.",
    ),
    difficulty=2,
    importance=4,
    minutes=6,
)
