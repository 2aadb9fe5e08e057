"""Programs whose trouble is known, as timelines of the launch queue."""

from __future__ import annotations

from dataclasses import replace

from mini_lib.timing import ASSUMED, Kernel, LaunchQueue, Span, Timeline


def loop(body, steps=10, costs=ASSUMED):
    queue = LaunchQueue(costs)
    for _ in range(steps):
        body(queue)
    return queue.timeline()


def eager(num_kernels=40, kernel_us=3.0, prepare_us=20.0):
    def step(queue):
        queue.host("prepare", prepare_us)
        for place in range(num_kernels):
            queue.launch(Kernel("attention" if place % 10 == 4 else "matmul", kernel_us))
        queue.synchronize()

    return step


def graph(num_kernels=40, kernel_us=3.0, prepare_us=20.0):
    def step(queue):
        queue.host("prepare", prepare_us)
        queue.launch_graph("decode", [Kernel("matmul", kernel_us)] * num_kernels)
        queue.synchronize()

    return step


def pieces(num_kernels=40, kernel_us=3.0, prepare_us=20.0):
    """The step of `eager`, with graphs between the kernels of attention."""

    def step(queue):
        queue.host("prepare", prepare_us)
        run = []
        for place in range(num_kernels):
            if place % 10 != 4:
                run.append(Kernel("matmul", kernel_us))
                continue
            queue.launch_graph("piece", run)
            queue.launch(Kernel("attention", kernel_us))
            run = []
        queue.launch_graph("piece", run)
        queue.synchronize()

    return step


def overlapped(body, steps=10, costs=ASSUMED):
    """Run the launches of `body`, each step waiting for the one before it."""
    queue, marks = LaunchQueue(costs), []
    wait = queue.synchronize
    for _ in range(steps):
        queue.synchronize = lambda: None  # the body's own wait
        body(queue)
        marks.append(queue.record_event())
        if len(marks) > 1:
            wait(marks[-2])
    return queue.timeline()


def copying(queue):
    queue.host("prepare", 20.0)
    queue.copy("in", 500.0)
    for _ in range(4):
        queue.launch(Kernel("matmul", 10.0))
    queue.copy("out", 300.0)
    queue.synchronize()


def elsewhere(queue):
    for _ in range(10):
        queue.launch(Kernel("matmul", 3.0))
    queue.host("tokenize", 500.0)


def reads_each_value(queue):
    """Small graphs, and after each a value is read and thought about."""
    for _ in range(4):
        queue.launch_graph("part", [Kernel("matmul", 5.0)] * 4)
        queue.synchronize()
        queue.host("decide", 30.0)


FAST_HOST = replace(ASSUMED, launch_us=2.0, source="assumed: a host as fast as C++")

KNOWN = {
    "eager, small kernels": (loop(eager()), "launch-bound"),
    "eager, one step": (loop(eager(), steps=1), "launch-bound"),
    "eager, large kernels": (loop(eager(kernel_us=30.0)), "GPU-bound"),
    "many launches, all hidden": (loop(eager(num_kernels=150, kernel_us=9.0), steps=5), "GPU-bound"),
    "small kernels, a fast host": (loop(eager(kernel_us=3.0, num_kernels=150), steps=5, costs=FAST_HOST), "GPU-bound"),
    "a graph, much to prepare": (loop(graph(prepare_us=200.0)), "sync-bound"),
    "a graph, little to prepare": (loop(graph(num_kernels=200, prepare_us=1.0), steps=5), "GPU-bound"),
    "reads each value": (loop(reads_each_value), "sync-bound"),
    "copies": (loop(copying), "copy-bound"),
    "other work": (loop(elsewhere), "idle"),
}


def moved(timeline, by_us=0.0, times=1.0):
    spans = timeline.spans
    return Timeline(Span(s.lane, s.name, s.start_us * times + by_us, s.end_us * times + by_us) for s in spans)


def with_prologue(timeline, us):
    """The program begins `us` later, after the CPU has loaded a model."""
    return Timeline([Span("CPU", "load", 0.0, us / 2), *moved(timeline, us).spans])
