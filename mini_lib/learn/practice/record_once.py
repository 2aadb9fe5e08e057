"""Notebook 03: feed a recorded graph, and decide on the device."""

from __future__ import annotations

from math import nan

from mini_lib.learn.exercise import Case, Exercise, Misconception, answers

REPLAY_WITH = Exercise(
    id="03/replay_with",
    title="Exercise 3.1",
    wants="one result for each new value: twice that value, and still so after later replays",
    cases=(
        Case(([[4.0, 5.0], [6.0, 7.0]],), [[8.0, 10.0], [12.0, 14.0]]),
        Case(([[9.0, 8.0], [3.0, 7.0], [4.0, 2.0]],), [[18.0, 16.0], [6.0, 14.0], [8.0, 4.0]]),
    ),
    misconceptions=(
        Misconception(
            "never replays",
            "Your results are NaN: you return the output of capture, which holds garbage until somebody replays.",
            answers({0: [[nan, nan], [nan, nan]]}),
            see="What does the output hold after capture?",
        ),
        Misconception(
            "rebinds the input",
            "Every replay gives twice [2.5, 3.5], the value at capture: your new value went into another tensor, and "
            "the graph goes on reading the old address. Copy into the tensor.",
            answers({0: [[5.0, 7.0], [5.0, 7.0]]}),
            see="Copy in, never rebind",
        ),
        Misconception(
            "copies after the replay",
            "Each result is the one before last: you replay first and copy in afterwards.",
            answers({0: [[5.0, 7.0], [8.0, 10.0]]}),
        ),
        Misconception(
            "returns the static output itself",
            "All your results are equal to the last one: you hand out the graph's own output tensor, and the next "
            "replay overwrites it. Keep a copy.",
            answers({0: [[12.0, 14.0], [12.0, 14.0]]}),
            see="Copy in, never rebind",
        ),
    ),
    right="In words: copy in, replay, and clone what you want to keep.",
    hints=(
        "Three things happen in this order: the value goes in, the graph runs, the result is kept.",
        "`tensor.copy_(other)` writes into the memory that `tensor` already has.",
        "The last line returns `output.clone()`.",
    ),
    arguments=("values",),
)

DOUBLE_IF_LARGE = Exercise(
    id="03/double_if_large",
    title="Exercise 3.2",
    wants="a tensor back: all of `x` doubled if its sum is above 20, else `x`, decided on the device at every replay",
    cases=(
        Case(([4.0, 5.0, 6.0],), [4.0, 5.0, 6.0]),
        Case(([9.0, 8.0, 7.0],), [18.0, 16.0, 14.0]),
        Case(([30.0, -8.0, -7.0],), [30.0, -8.0, -7.0]),
    ),
    misconceptions=(
        Misconception(
            "asks the CPU",
            "Capture refused it: your function asks for a value (`if`, `.item()`, `bool()`), and while a graph is "
            "recorded there is no value yet. Let the device choose between both results.",
            answers({0: "refused at capture", 1: "refused at capture"}),
            see="What is refused",
        ),
        Misconception(
            "decides element by element",
            "For [30, -8, -7] the sum is 15, so nothing is doubled; you doubled the 30. Compare the sum, "
            "not each element.",
            answers({2: [60.0, -8.0, -7.0]}),
        ),
    ),
    right="In words: compute both, and let the device pick.",
    hints=(
        "Both results can be computed; only the choice depends on the data.",
        "`torch.where(condition, a, b)` chooses on the device, and `condition` may be one element for all.",
        "The condition is `x.sum() > 20`, without `if` in front of it.",
    ),
    arguments=("x",),
)
