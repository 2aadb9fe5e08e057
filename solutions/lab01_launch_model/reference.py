"""Lab 1's oracle: what hidden tests compare with, and the instances that they draw.

The builder copies single functions from here into hidden test cells (`#| include NAME from reference.py`), so each
function stands alone or names the others that it needs. Nothing here is written as the solution is: the queue is a list
of launches that are pending, the closed form takes the later of two ends, the crossover is found in exact fractions.
The traces of tasks 1.5 and 1.6 come from here too: simulated, with noise, and no measurement of any device.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random


def oracle_launch_queue(
    kernel_us: list[float], launch_us: float, gap_us: float, latency_us: float, queue_depth: int
) -> list[list[list[float]]]:
    """Return [launches, kernels] by keeping a list of the launches that are pending, as the library's queue does."""
    now, free, pending = 0.0, float("-inf"), []
    launches, kernels = [], []
    for us in kernel_us:
        pending = [end for end in pending if end > now]
        if len(pending) >= queue_depth:
            now = pending.pop(0)
        launches.append([now, now + launch_us])
        now += launch_us
        start = max(now + latency_us, free + gap_us)
        kernels.append([start, start + us])
        free = start + us
        pending.append(free)
    return [launches, kernels]


def oracle_queue_cases(rng: Random, num: int) -> list[tuple]:
    """Return arguments in which the CPU is ahead, the GPU is ahead, they take turns, and the queue is often full."""
    drawn = []
    for number in range(num):
        launch_us, gap_us = rng.randrange(40, 90) / 10, rng.randrange(5, 25) / 10
        scale = (0.4, 3.0, 1.0)[number % 3] * launch_us
        kernel_us = [round(scale * rng.uniform(0.2, 1.8), 2) for _ in range(rng.randrange(6, 30))]
        depth = rng.choice([1, 2, 3, 5, 64])
        drawn.append((kernel_us, launch_us, gap_us, round(gap_us + rng.uniform(0.3, 4), 1), depth))
    return drawn


def oracle_step_time(
    num_kernels: int, kernel_us: float, launch_us: float, gap_us: float, latency_us: float
) -> list[float | str]:
    """Return [us, regime]: the later of the end that the CPU's lane allows and the end that the GPU's lane allows."""
    cpu_sets_the_pace = num_kernels * launch_us + latency_us + kernel_us
    gpu_sets_the_pace = launch_us + latency_us + num_kernels * (kernel_us + gap_us) - gap_us
    regime = "launch-bound" if launch_us > kernel_us + gap_us else "GPU-bound"
    return [max(cpu_sets_the_pace, gpu_sets_the_pace), regime]


def oracle_equal_kernels(rng: Random, num: int) -> list[tuple]:
    """Return (num_kernels, kernel_us, launch_us, gap_us, latency_us), in turn of either regime, none near the border.

    In every third the kernel alone is shorter than a launch, and with its gap it is longer.
    """
    drawn = []
    for number in range(num):
        launch_us, gap_us = rng.randrange(50, 90) / 10, rng.randrange(12, 25) / 10
        low, high = ((0.05, 0.6), (1.15, 4.0), (0.9, 0.99))[number % 3]
        kernel_us = round(launch_us * rng.uniform(low, high), 2)
        drawn.append((rng.randrange(2, 2000), kernel_us, launch_us, gap_us, rng.randrange(10, 60) / 10))
    return drawn


def oracle_crossover(kernels: list[list[float]], costs: dict[str, float], mode: str, max_batch: int) -> int | None:
    """Return the smallest batch at which the GPU's lane is at least as long as the CPU's, in exact fractions."""
    exact = {name: Fraction(str(us)) for name, us in costs.items()}
    eager = mode == "eager"
    launching = len(kernels) * exact["launch_us"] if eager else exact["graph_launch_us"]
    gaps = len(kernels) * exact["gap_us" if eager else "graph_gap_us"]
    missing = exact["host_us"] + launching - gaps - sum(Fraction(str(weights)) for weights, _ in kernels)
    per_row = sum(Fraction(str(row)) for _, row in kernels)
    if missing <= per_row:
        return 1
    batch = -(-missing // per_row) if per_row else max_batch + 1
    return int(batch) if batch <= max_batch else None


def oracle_models(rng: Random, num: int) -> list[tuple]:
    """Return (kernels, costs, mode, max_batch) whose crossover is nowhere near two batches at once.

    In turn it is eager, with a graph and a busy CPU, and beyond the largest batch.
    """
    drawn: list[tuple] = []
    while len(drawn) < num:
        kernels = [[rng.randrange(5, 40) / 10, rng.randrange(0, 40) / 1000] for _ in range(rng.randrange(4, 30))]
        mode = ("eager", "graph", "eager")[len(drawn) % 3]
        costs = {
            "host_us": float(rng.randrange(20, 400) * (1 + 2 * (mode == "graph"))),
            "launch_us": rng.randrange(50, 95) / 10,
            "gap_us": rng.randrange(8, 20) / 10,
            "graph_launch_us": rng.randrange(20, 60) / 10,
            "graph_gap_us": rng.randrange(4, 7) / 10,
        }
        per_row = sum(row for _, row in kernels)
        exact = oracle_border(kernels, costs, mode)
        if per_row and 1.1 < exact < 480 and 0.02 < exact % 1 < 0.98:
            drawn.append((kernels, costs, mode, int(exact / 2) + 1 if len(drawn) % 6 == 5 else 512))
    return drawn


def oracle_border(kernels: list[list[float]], costs: dict[str, float], mode: str) -> float:
    """Return at which batch, as a fraction of rows, both lanes are equally long."""
    eager = mode == "eager"
    cpu = costs["host_us"] + (len(kernels) * costs["launch_us"] if eager else costs["graph_launch_us"])
    gpu = sum(weights for weights, _ in kernels) + len(kernels) * costs["gap_us" if eager else "graph_gap_us"]
    return (cpu - gpu) / max(sum(row for _, row in kernels), 1e-9)


def oracle_noisy_queue(
    rng: Random, kernel_us: list[float], costs: dict[str, float], queue_depth: int, outliers: float
) -> list[list[list[float]]]:
    """Return [launches, kernels] of a run in which every launch, gap, latency and kernel varies by up to 7 %.

    A share of `outliers` takes three to twelve times as long. The call of a launch that finds the queue full lasts
    until there is a place and the launch is done: that is what a profiler sees. All times in hundredths of a us.
    """

    def varied(us: float) -> float:
        return us * rng.uniform(0.93, 1.07) * (rng.uniform(3, 12) if rng.random() < outliers else 1)

    now, launches, kernels = 0.0, [], []
    for number, us in enumerate(kernel_us):
        called = now
        if number >= queue_depth:
            now = max(now, kernels[number - queue_depth][1])
        now = round(now + varied(costs["launch_us"]), 2)
        free = kernels[-1][1] + varied(costs["gap_us"]) if kernels else 0.0
        start = round(max(free, now + varied(costs["latency_us"])), 2)
        launches.append([called, now])
        kernels.append([start, round(start + varied(us), 2)])
    return [launches, kernels]


def oracle_trace(rng: Random, num_short: int, num_long: int) -> tuple[tuple, dict[str, float]]:
    """Return ((launches, kernels, queue_depth), hidden costs): short kernels first, then long ones fill the queue."""
    launch_us = rng.randrange(60, 95) / 10
    gap_us = rng.randrange(8, 14) / 10
    costs = {"launch_us": launch_us, "gap_us": gap_us, "latency_us": round(gap_us * rng.uniform(1.6, 2.4), 2)}
    depth = rng.randrange(4, 9)
    kernel_us = [launch_us * rng.uniform(0.2, 0.4) for _ in range(num_short)]
    kernel_us += [launch_us * rng.uniform(2.4, 3.2) for _ in range(num_long)]
    return (*oracle_noisy_queue(rng, kernel_us, costs, depth, outliers=1 / 20), depth), costs


def oracle_noisy_step(rng: Random, costs: dict[str, float], us: float, mode: str, num_kernels: int) -> float:
    """Return how long a step of equal kernels took, the median of nine runs that vary by up to 7 % and know no outlier.

    A replayed graph is one launch: its kernels keep the graph's gap, and the CPU is not asked again.
    """
    runs = []
    for _ in range(9):
        if mode == "eager":
            runs.append(oracle_noisy_queue(rng, [us] * num_kernels, costs, 1024, outliers=0)[1][-1][1])
        else:
            taken = [costs["graph_launch_us"], costs["latency_us"], *[us] * num_kernels]
            taken += [costs["graph_gap_us"]] * (num_kernels - 1)
            runs.append(round(sum(one * rng.uniform(0.93, 1.07) for one in taken), 2))
    return sorted(runs)[4]


def oracle_sweep(rng: Random, num: int) -> tuple[tuple, list[float]]:
    """Return ((fitted, kernel, points), times): constants as a fit finds them, within 1 %, and a noisy sweep."""
    costs = {
        "launch_us": rng.randrange(60, 95) / 10,
        "gap_us": rng.randrange(8, 14) / 10,
        "latency_us": rng.randrange(18, 30) / 10,
        "graph_launch_us": rng.randrange(25, 60) / 10,
        "graph_gap_us": rng.randrange(5, 8) / 10,
    }
    kernel = {"weights_us": rng.randrange(15, 30) / 10, "row_us": rng.randrange(40, 90) / 1000}
    points, times = [], []
    while len(points) < num:
        mode = ("eager", "graph")[len(points) % 2]
        count, batch = rng.choice([2, 3, 8, 40, 150, 400]), rng.choice([1, 4, 16, 24, 96, 192, 256, 512])
        us = kernel["weights_us"] + batch * kernel["row_us"]
        if not 0.75 < (us + costs["gap_us"]) / costs["launch_us"] < 1.3:
            points.append([mode, count, batch])
            times.append(oracle_noisy_step(rng, costs, us, mode, count))
    fitted = {name: round(us * rng.uniform(0.99, 1.01), 3) for name, us in costs.items()}
    return (fitted, kernel, points), times


def oracle_enforce_eager(server: dict[str, float]) -> list[bool | float]:
    """Return [enforce_eager, seconds that graphs save from one start to the next]."""
    eager_us = graph_us = server["host_us"]
    eager_us += server["num_kernels"] * server["launch_us"]
    graph_us += server["graph_launch_us"]
    on_gpu_us = server["num_kernels"] * server["kernel_us"]
    eager_us = max(eager_us, on_gpu_us + server["num_kernels"] * server["gap_us"])
    graph_us = max(graph_us, on_gpu_us + server["num_kernels"] * server["graph_gap_us"] + server["copy_us"])
    capture_s = server["num_graphs"] * server["capture_ms"] / 1000
    saved_s = server["steps"] * (eager_us - graph_us) / 1_000_000 - capture_s
    too_long = capture_s > server["startup_budget_s"]
    too_large = server["num_graphs"] * server["mib_per_graph"] > server["free_mib"]
    return [too_long or too_large or saved_s <= 0, saved_s]


def oracle_servers(rng: Random, num: int) -> list[dict[str, float]]:
    """Return servers of five kinds in turn: graphs pay, start too often, no memory, no time to start, costly copies."""
    drawn: list[dict[str, float]] = []
    while len(drawn) < num:
        kind = len(drawn) % 5
        server = {
            "num_kernels": rng.randrange(180, 900),
            "kernel_us": rng.randrange(14, 35) / 10,
            "host_us": float(rng.randrange(40, 300)),
            "launch_us": rng.randrange(60, 95) / 10,
            "gap_us": rng.randrange(8, 13) / 10,
            "graph_launch_us": rng.randrange(25, 60) / 10,
            "graph_gap_us": rng.randrange(5, 8) / 10,
            "copy_us": rng.randrange(50, 150) / 10,
            "num_graphs": rng.randrange(8, 52),
            "capture_ms": rng.randrange(57, 530),
            "mib_per_graph": rng.randrange(6, 29),
            "steps": rng.randrange(10**6, 10**7),
        }
        capture_s = server["num_graphs"] * server["capture_ms"] / 1000
        mib = server["num_graphs"] * server["mib_per_graph"]
        server["startup_budget_s"] = round(capture_s * (rng.uniform(0.3, 0.8) if kind == 3 else rng.uniform(1.3, 4)), 1)
        server["free_mib"] = round(mib * (rng.uniform(0.3, 0.8) if kind == 2 else rng.uniform(1.3, 4)))
        if len(drawn) % 10 == 5:  # a host that is slower than the GPU, whatever is launched
            server["host_us"] = float(rng.randrange(4000, 6000))
        if kind == 1:
            server["steps"] = rng.randrange(30, 900)
        if kind == 4:
            server |= {"kernel_us": rng.randrange(200, 900) / 10, "num_kernels": rng.randrange(10, 60)}
            server["copy_us"] = float(round(server["num_kernels"] * rng.uniform(1.2, 3)))
        eager, saved_s = oracle_enforce_eager(server)
        if eager is (kind > 0) and (saved_s > 0) is (kind in (0, 2, 3)) and abs(saved_s) > 0.05 * capture_s:
            drawn.append(server)
    return drawn
