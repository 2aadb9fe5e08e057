"""The notebooks' exercises: a right answer passes, and each wrong idea is told its name."""

import math
from itertools import pairwise

import pytest

from mini_lib.learn import Exercise, judge, practice
from tests.learn import full_or_piecewise, launch_bound, mini_engine, overlap

EXERCISES = [value for value in vars(practice).values() if isinstance(value, Exercise)]


def worst_batch(sizes):
    below = [0, *sizes]
    return max(zip(below, sizes, strict=False), key=lambda pair: ((pair[1] - pair[0] - 1) / pair[1], -pair[0]))[0] + 1


def graphs_affordable(seconds, mib, seconds_each, first_mib, next_mib):
    in_memory = 1 + (mib - first_mib) // next_mib if mib >= first_mib else 0
    return min(int(seconds // seconds_each), in_memory)


class Graph:
    """A graph that doubles, as the adapter of notebook 03 shows it to a student's function."""

    def __init__(self):
        self.static, self.out = [2.5, 3.5], [math.nan, math.nan]

    def replay(self):
        self.out[:] = [2 * value for value in self.static]


def replayed(step):
    def results(values):
        graph = Graph()
        return [list(result) for result in [step(graph, value) for value in values]]

    return results


def copy_in_and_keep(graph, value):
    graph.static[:] = value
    graph.replay()
    return list(graph.out)


def rebind(graph, value):
    graph.replay()
    return graph.out


def never_replay(graph, value):
    graph.static[:] = value
    return list(graph.out)


def copy_late(graph, value):
    graph.replay()
    result = list(graph.out)
    graph.static[:] = value
    return result


def alias(graph, value):
    graph.static[:] = value
    graph.replay()
    return graph.out


RIGHT = {
    "00/kernel_start": max,
    "00/launch_bound": lambda launch_us, kernel_us, gap_us: launch_us > kernel_us + gap_us,
    "03/replay_with": replayed(copy_in_and_keep),
    "03/double_if_large": lambda x: [2 * value for value in x] if sum(x) > 20 else x,
    "06/worst_batch": worst_batch,
    "06/graphs_affordable": graphs_affordable,
    **launch_bound.RIGHT,
    **mini_engine.RIGHT,
    **full_or_piecewise.RIGHT,
    **overlap.RIGHT,
}
WRONG = {
    ("00/kernel_start", "adds CPU and GPU time"): lambda free, done: free + done,
    ("00/kernel_start", "starts when the first of the two is ready"): min,
    ("00/launch_bound", "the wrong way round"): lambda launch, kernel, gap: launch < kernel + gap,
    ("00/launch_bound", "forgets the gap"): lambda launch, kernel, gap: launch > kernel,
    ("03/replay_with", "never replays"): replayed(never_replay),
    ("03/replay_with", "rebinds the input"): replayed(rebind),
    ("03/replay_with", "copies after the replay"): replayed(copy_late),
    ("03/replay_with", "returns the static output itself"): replayed(alias),
    ("03/double_if_large", "asks the CPU"): lambda x: "refused at capture",
    ("03/double_if_large", "decides element by element"): lambda x: [2 * v if v > 20 else v for v in x],
    ("06/worst_batch", "counts rows instead of shares"): lambda sizes: (
        max(zip([0, *sizes], sizes, strict=False), key=lambda pair: pair[1] - pair[0])[0] + 1
    ),
    ("06/worst_batch", "names the graph instead of the batch"): lambda sizes: next(
        size for size in sizes if size >= worst_batch(sizes)
    ),
    ("06/worst_batch", "forgets the batches below the first size"): lambda sizes: (
        max(pairwise(sizes), key=lambda pair: (pair[1] - pair[0] - 1) / pair[1])[0] + 1
    ),
    ("06/graphs_affordable", "looks at the time alone"): lambda s, mib, each, first, more: int(s // each),
    ("06/graphs_affordable", "looks at the memory alone"): lambda s, mib, each, first, more: (
        1 + (mib - first) // more if mib >= first else 0
    ),
    ("06/graphs_affordable", "every graph as large as the first"): lambda s, mib, each, first, more: min(
        int(s // each), mib // first
    ),
    ("06/graphs_affordable", "forgets that the first is larger"): lambda s, mib, each, first, more: min(
        int(s // each), mib // more
    ),
    **launch_bound.WRONG,
    **mini_engine.WRONG,
    **full_or_piecewise.WRONG,
    **overlap.WRONG,
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_right_answer_passes_and_there_are_three_hints(exercise):
    assert judge(exercise, RIGHT[exercise.id]).sentence.startswith("Right on all")
    assert len(exercise.hints) == 3


@pytest.mark.parametrize(("exercise_id", "name"), WRONG)
def test_each_wrong_idea_is_told_its_own_name(exercise_id, name):
    exercise = next(exercise for exercise in EXERCISES if exercise.id == exercise_id)
    assert judge(exercise, WRONG[exercise_id, name]).misconception == name


def test_every_misconception_has_a_wrong_answer_that_shows_it():
    assert set(WRONG) == {(exercise.id, wrong.name) for exercise in EXERCISES for wrong in exercise.misconceptions}
