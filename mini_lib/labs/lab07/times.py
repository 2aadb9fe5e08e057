"""Exercise 7.7: how long each loop takes, and so when overlapping does not help."""

from __future__ import annotations

from typing import Any

from mini_lib.learn import Case, Exercise, Misconception, Outcome, Raised, answers

_GPU_BOUND, _CPU_BOUND, _ONE_STEP, _EVEN, _LONG_PROCESS = range(5)  # places in the cases below
_ENDS, _WHO = "The first step and the last", "Who waits for whom"


def _same_times(yours: Any, expected: Any) -> bool:
    """Tell whether two pairs of times agree; 8.0 us are 8 us."""
    return isinstance(yours, list) and len(yours) == 2 and all(map(_equal, yours, expected))


def _equal(mine: Any, right: Any) -> bool:
    is_number = isinstance(mine, int | float) and not isinstance(mine, bool)
    return is_number and abs(mine - right) < 1e-6 * max(1, right)


def _pair(outcome: Outcome) -> tuple[float, float]:
    value: Any = outcome.value
    return value[0], value[1]


def _differs(outcome: Outcome) -> str:
    steps, schedule, gpu, process = outcome.case.args
    told = f"{steps} steps of {schedule} us to schedule, {gpu} us on the GPU and {process} us to process"
    expected: Any = outcome.case.expected
    value: Any = outcome.value
    if not isinstance(value, list) or len(value) != 2 or isinstance(value, Raised):
        return f"For {told} the answer is {expected}, two times in us; yours is {value!r:.80}."
    which = "the sequential loop" if not _equal(value[0], expected[0]) else "the overlap loop"
    place = 0 if not _equal(value[0], expected[0]) else 1
    return f"For {told} {which} takes {expected[place]} us, you say {value[place]}. Draw the two lanes of three steps."


LOOP_TIMES = Exercise(
    id="loop_times",
    title="7.7 When does it help?",
    wants="[sequential, overlapped]: how many microseconds both loops take for so many steps of one request",
    cases=(
        Case((10, 200, 600, 150), [9500, 6350]),
        Case((10, 400, 300, 350), [10500, 7500]),
        Case((1, 200, 600, 150), [950, 950]),
        Case((4, 200, 500, 300), [4000, 2500]),
        Case((3, 50, 100, 700), [2550, 2300]),
        Case((4, 500, 400, 100), [4000, 2700]),
    ),
    misconceptions=(
        Misconception(
            "overlap changes nothing",
            "You give the sequential loop's time for both. In the overlap loop step n is launched before step n - 1 is "
            "processed, so CPU and GPU work at the same time.",
            lambda outcomes: all(_pair(outcome)[0] == _pair(outcome)[1] for outcome in outcomes),
            see=_WHO,
        ),
        Misconception(
            "forgets the ends",
            "For ten steps of 200 + 600 + 150 us you say 6000 us, ten times the GPU. Before its first step the GPU "
            "waits for a first schedule, and after its last one the CPU still processes.",
            answers({_GPU_BOUND: [9500, 6000]}),
            see=_ENDS,
        ),
        Misconception(
            "always limited by the GPU",
            "For ten steps of 400 + 300 + 350 us you say 3750 us: GPU time, and the CPU at both ends. The CPU needs "
            "750 us per step here, so the GPU waits for the CPU, and overlap hides the GPU instead.",
            answers({_CPU_BOUND: [10500, 3750]}),
            see=_WHO,
        ),
        Misconception(
            "the largest of three",
            "For ten steps of 400 + 300 + 350 us you take the largest of the three times for a step. Scheduling and "
            "processing are one CPU's work, one after the other: they add up before they are compared with the GPU.",
            lambda outcomes: _pair(outcomes[_CPU_BOUND])[1] < 5500,
            see=_WHO,
        ),
        Misconception(
            "a busy CPU stands still at the ends",
            lambda outcomes: (
                f"For ten steps of 400 + 300 + 350 us you say {_pair(outcomes[_CPU_BOUND])[1]} us: ten times the CPU, "
                "and more at the ends. But the CPU schedules step 1 while the GPU computes step 0, and processes step "
                "8 while the GPU computes step 9: both take it longer than the GPU, so here it never waits."
            ),
            lambda outcomes: _pair(outcomes[_CPU_BOUND])[1] in (7800, 8250),
            see=_ENDS,
        ),
        Misconception(
            "one step",
            "With one step there is nothing to overlap with: schedule, compute, process, 950 us in both loops.",
            lambda outcomes: _pair(outcomes[_ONE_STEP])[1] != 950 and _pair(outcomes[_GPU_BOUND])[1] == 6350,
            see=_ENDS,
        ),
        Misconception(
            "forgets the ends of a busy CPU",
            "For three steps of 50 + 100 + 700 us you say 2250 us, three times the CPU. Even a busy CPU waits at the "
            "ends: after the first launch there is nothing to process yet, and after the last one nothing to launch.",
            answers({_CPU_BOUND: [10500, 7500], _LONG_PROCESS: [2550, 2250]}),
            see=_ENDS,
        ),
    ),
    right="In words: overlap hides the shorter of the two lanes, and can do no better than hide it.",
    hints=(
        "Draw both lanes for three steps. When can the CPU launch step n, when does the GPU begin it, and when can the "
        "CPU process step n - 1?",
        "Keep two numbers: `cpu`, until when the CPU is busy, and `gpu`, until when the GPU is. A launch is at cpu += "
        "schedule_us, and the GPU then ends at max(cpu, gpu) + gpu_us. To process the step before, the CPU waits for "
        "the time at which *that* step ended.",
        "cpu, ends = 0, []; for each n: cpu += schedule_us; ends.append(max([cpu] + ends[-1:]) + gpu_us); if n > 0: "
        "cpu = max(cpu, ends[n - 1]) + process_us. At last cpu = max(cpu, ends[-1]) + process_us.",
    ),
    agrees=_same_times,
    differs=_differs,
    difficulty=3,
    importance=4,
    minutes=10,
    points=3,
)
