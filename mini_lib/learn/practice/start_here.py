"""Notebook 00: when a kernel starts, and who waits for whom."""

from __future__ import annotations

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
