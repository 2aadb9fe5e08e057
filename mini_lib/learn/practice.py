"""The ungraded exercises of the notebooks: their cases, the wrong ideas that they know by name, their hints.

Each is answered in one to six lines. What the labs ask for is not here.
"""

from __future__ import annotations

from math import nan

from mini_lib.learn.exercise import Case, Exercise, Misconception, answers

KERNEL_START = Exercise(
    id="00/kernel_start",
    title="Exercise 0.1",
    wants="a time in microseconds back: the moment at which the kernel starts",
    cases=(Case((12, 7), 12), Case((3, 10), 10), Case((6, 6), 6), Case((0, 4), 4)),
    misconceptions=(
        Misconception(
            "adds CPU and GPU time",
            "The GPU is free at 12 us and the launch is there at 7 us, and you start the kernel at 19 us: you add "
            "what CPU and GPU do. They work at the same time; whoever is later decides.",
            answers({0: 19, 1: 13}),
            see="The figure, read slowly",
        ),
        Misconception(
            "starts when the first of the two is ready",
            "The launch arrives at 10 us, and you start the kernel at 3 us: the GPU is free by then, but it has "
            "nothing to run yet. A kernel needs both.",
            answers({0: 7, 1: 3}),
        ),
    ),
    right="In words: a kernel waits for whoever is later, its launch or the kernel before it.",
    hints=(
        "Two things must have happened before a kernel can start. Which of the two decides?",
        "Try both orders: the GPU is free first, or the launch is there first.",
        "Python has a built-in function for the later of two times.",
    ),
)

LAUNCH_BOUND = Exercise(
    id="00/launch_bound",
    title="Exercise 0.2",
    wants="True or False back: does the GPU wait for the CPU?",
    cases=(
        Case((7.5, 3.0, 1.0), True),
        Case((7.5, 30.0, 1.0), False),
        Case((4.0, 3.5, 1.0), False),
        Case((2.0, 1.25, 0.5), True),
    ),
    misconceptions=(
        Misconception(
            "the wrong way round",
            "A launch takes 7.5 us and a kernel 30 us, and you say that the GPU waits. It is busy for four launches' "
            "time: here the CPU is ahead.",
            answers({0: False, 1: True}),
        ),
        Misconception(
            "forgets the gap",
            "With a launch of 4 us, a kernel of 3.5 us and a gap of 1 us the GPU needs 4.5 us for each kernel, so the "
            "CPU is ahead. You compare with the kernel alone.",
            answers({0: True, 1: False, 2: True}),
        ),
    ),
    right="In words: a step is launch-bound while one launch takes longer than one kernel and the gap after it.",
    hints=(
        "Per kernel the CPU spends one launch. What does the GPU spend per kernel?",
        "The GPU spends the kernel's own time and the gap after it.",
        "Compare `launch_us` with the sum of the other two.",
    ),
)

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

WORST_BATCH = Exercise(
    id="06/worst_batch",
    title="Exercise 6.1",
    wants="one integer back: the batch that wastes the largest share of its graph, the smallest one where several do",
    cases=(
        Case(([4, 8, 12],), 1),
        Case(([1, 2, 4, 8],), 5),
        Case(([1, 2, 4, 8, 16, 24, 32, 40, 48, 64],), 9),
        Case(([1, 2, 4, 8, 16, 32],), 17),
    ),
    misconceptions=(
        Misconception(
            "counts rows instead of shares",
            "You say 49: it wastes 15 rows of 64. But 9 wastes 7 rows of 16, which is 44 % and not 23 %.",
            answers({1: 5, 2: 49}),
        ),
        Misconception(
            "names the graph instead of the batch",
            "For [1, 2, 4, 8] you say 8. A batch of 8 fills the graph for 8; the one that suffers is a smaller batch "
            "that must ride in it.",
            answers({1: 8}),
        ),
        Misconception(
            "forgets the batches below the first size",
            "With [4, 8, 12] a batch of 1 rides in the graph for 4 and wastes three rows of four.",
            answers({0: 5}),
        ),
    ),
    right="In words: the worst batch is the one just above a size, where the next size is far away in proportion.",
    hints=(
        "Only a batch just above a size can be the worst. Why?",
        "For neighbours `a` and `b` in the ladder that batch is `a + 1`, and it wastes `(b - a - 1) / b`.",
        "Begin with 0 in front of the ladder, then `max` over `zip(below, sizes)` with a key.",
    ),
)

GRAPHS_AFFORDABLE = Exercise(
    id="06/graphs_affordable",
    title="Exercise 6.2",
    wants="one integer back: how many graphs fit into both budgets",
    cases=(
        Case((40, 300, 2, 100, 10), 20),
        Case((40, 150, 2, 100, 10), 6),
        Case((120, 300, 2, 100, 10), 21),
        Case((120, 90, 2, 100, 10), 0),
    ),
    misconceptions=(
        Misconception(
            "looks at the time alone",
            "150 MiB hold the first graph (100) and five more (10 each); you record 20 and run out of memory.",
            answers({0: 20, 1: 20}),
        ),
        Misconception(
            "looks at the memory alone",
            "40 seconds are 20 graphs at two seconds each; you record 21.",
            answers({0: 21, 1: 6}),
        ),
        Misconception(
            "every graph as large as the first",
            "For 150 MiB you afford one graph. Only the first pays for the pool; the smaller ones reuse it.",
            answers({1: 1}),
            see="What a graph costs",
        ),
        Misconception(
            "forgets that the first is larger",
            "For 150 MiB you afford more than 6 graphs: the first one takes 100 MiB of them.",
            answers({1: 15}),
            see="What a graph costs",
        ),
    ),
    right="In words: one large graph, then small ones, until the first of the two budgets ends.",
    hints=(
        "Compute how many the time allows and how many the memory allows. Which of the two counts?",
        "Memory: the first graph takes `first_mib`, each further one `next_mib`. What if not even the first fits?",
        "`seconds // seconds_each` and `1 + (mib - first_mib) // next_mib`, and the smaller of the two.",
    ),
)
