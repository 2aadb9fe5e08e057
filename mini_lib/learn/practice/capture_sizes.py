"""Notebook 06: read a ladder, and pay for it."""

from __future__ import annotations

from mini_lib.learn.exercise import Case, Exercise, Misconception, answers

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
