"""Lab 4's oracle: what hidden tests compare with, and the instances that they draw.

The builder copies single functions from here into hidden test cells (`#| include NAME from reference.py`), so each
function stands alone or names the others that it needs. Nothing here is written as the solution is: the default
sizes are collected by asking of every number whether it belongs, the lookup counts up, and the best ladder on small
cases comes from trying all of them.
"""

from __future__ import annotations

import itertools
import math
from random import Random


def oracle_production_rows() -> list[tuple[tuple, str]]:
    """Return vLLM 0.33.0's own ladders as (arguments, ladder in runs); recorded from its code, not from a rule."""
    return [
        ((2,), "1 2 4"),
        ((3,), "1 2 3 4"),
        ((7,), "1 2 4 7 8"),
        ((8,), "1 2 4 8 16"),
        ((16,), "1 2 4 8..32/8"),
        ((31,), "1 2 4 8 16 24 31 32..56/8"),
        ((33,), "1 2 4 8 16 24 32 33 40..64/8"),
        ((64,), "1 2 4 8..128/8"),
        ((96,), "1 2 4 8..192/8"),
        ((100,), "1 2 4 8..96/8 100 104..200/8"),
        ((128,), "1 2 4 8..256/8"),
        ((200,), "1 2 4 8..256/8 272..400/16"),
        ((255,), "1 2 4 8..248/8 255 256..496/16"),
        ((256,), "1 2 4 8..256/8 272..512/16"),
        ((257,), "1 2 4 8..256/8 257 272..512/16"),
        ((300,), "1 2 4 8..256/8 272 288 300 304..512/16"),
        ((512,), "1 2 4 8..256/8 272..512/16"),
        ((1024,), "1 2 4 8..256/8 272..512/16"),
        ((256, 1), "1"),
        ((256, 100), "1 2 4 8..96/8 100"),
        ((256, 255), "1 2 4 8..248/8 255"),
        ((8, 512), "1 2 4 8 16"),
        ((256, 8192, 1), "1"),
        ((256, 8192, 8), "1 2 4 8"),
        ((256, 8192, 100), "1 2 4 8..96/8"),
        ((256, 8192, 255), "1 2 4 8..248/8"),
        ((256, 8192, 271), "1 2 4 8..256/8"),
        ((256, 8192, 384), "1 2 4 8..256/8 272..384/16"),
        ((256, 8192, 1000), "1 2 4 8..256/8 272..992/16"),
    ]


def oracle_spelled_out(runs: str) -> list[int]:
    """Return the ladder that "1 2 4 8..32/8" abbreviates: `first..last/step` is a run."""
    ladder: list[int] = []
    for word in runs.split():
        first, _, rest = word.partition("..")
        last, _, step = rest.partition("/")
        ladder += range(int(first), int(last or first) + 1, int(step or 1))
    return ladder


def oracle_arguments(args: tuple) -> tuple:
    """Return (max_num_seqs, max_num_batched_tokens, max_capture_size) with vLLM's defaults for what is not given."""
    return (*args, *(None, 8192, None)[len(args) :])


def oracle_default_sizes(max_num_seqs: int, max_num_batched_tokens: int, max_capture_size: int | None) -> list[int]:
    """Return vLLM 0.33.0's ladder by asking of each number up to the token limit whether it is a size."""
    implicit = max_capture_size is None
    wanted = min(2 * max_num_seqs, 512) if implicit else max_capture_size
    named = {1, 2, 4, max_num_batched_tokens, max_num_seqs if implicit else 1}
    numbers = range(1, min(wanted, max_num_batched_tokens) + 1)
    return [n for n in numbers if n in named or n % (8 if n < 256 else 16) == 0]


def oracle_configurations(rng: Random, num: int) -> list[tuple]:
    """Return arguments that meet every clause of the rule: `num` drawn ones, mostly off the grid, and the edges."""
    kinds = [
        lambda: (rng.randrange(1, 260), 8192, None),
        lambda: (rng.randrange(5, 700), rng.randrange(1, 500), None),
        lambda: (rng.randrange(5, 300), 8192, rng.randrange(1, 700)),
        lambda: (rng.randrange(5, 300), rng.randrange(1, 300), rng.randrange(1, 400)),
    ]
    edges = [(513, 8192, None), (600, 513, None), (600, 512, None), (512, 511, 513)]
    return edges + [kinds[number % len(kinds)]() for number in range(num)]


def oracle_size_for(num_tokens: int, sizes: list[int]) -> int | None:
    """Return the first number from `num_tokens` up that is a size."""
    top = max(sizes, default=0)
    return next((n for n in range(num_tokens, top + 1) if n in sizes), None)


def oracle_ladder(rng: Random, largest: int = 120) -> list[int]:
    """Return an ascending ladder of 2 to 9 uneven sizes, none of them a rule's."""
    return sorted(rng.sample(range(1, largest), rng.randrange(2, 10)))


def oracle_waste(sizes: list[int], histogram: dict[int, int]) -> float:
    """Return the share of computed rows that is padding, by walking through the computed rows of every batch."""
    rides = [(oracle_size_for(batch, sizes) or batch, batch, steps) for batch, steps in histogram.items()]
    computed = sum(size * steps for size, _, steps in rides)
    return sum((size - batch) * steps for size, batch, steps in rides) / computed if computed else 0.0


def oracle_histogram(rng: Random, num_batches: int, largest: int) -> dict[int, int]:
    """Return {batch size: steps} with `num_batches` different sizes in no order, and steps that differ widely."""
    return {batch: rng.randrange(2, 400) for batch in rng.sample(range(1, largest + 1), num_batches)}


def oracle_batch(rng: Random, num_rows: int) -> dict[str, list[int]]:
    """Return a decode batch of `num_rows` requests as lab 4 lays the cache out: request r owns slots 8r - 7 to 8r."""
    requests = rng.sample(range(1, 17), num_rows)
    seq_lens = [rng.randrange(2, 9) for _ in requests]
    return {
        "input_ids": [rng.randrange(0, 50) for _ in requests],
        "positions": [length - 1 for length in seq_lens],
        "slot_mapping": [8 * (request - 1) + length for request, length in zip(requests, seq_lens, strict=True)],
        "seq_lens": seq_lens,
        "req_pool_indices": requests,
    }


def oracle_pad_batch(batch: dict[str, list[int]], size: int) -> dict[str, list[int]]:
    """Return the batch with harmless rows up to `size`: everything 0, but a seq_len of 1."""
    more = size - len(batch["input_ids"])
    return {name: rows + [int(name == "seq_lens")] * more for name, rows in batch.items()}


def oracle_num_graphs(budget: dict[str, int], cost: dict[str, int], largest: int) -> int:
    """Return how many graphs the three budgets allow together; the shared pool is paid before the first graph."""
    for_graphs_mib = budget["memory_mib"] - cost["mib_per_row"] * largest
    return min(
        budget["num_graphs"], for_graphs_mib // cost["mib_per_graph"], budget["startup_ms"] // cost["ms_per_graph"]
    )


def oracle_padded_rows(sizes: list[int], histogram: dict[int, int]) -> int:
    """Return how many rows a ladder that covers the traffic computes in vain."""
    return sum(steps * (min(size for size in sizes if size >= batch) - batch) for batch, steps in histogram.items())


def oracle_best_ladders(histogram: dict[int, int], num_graphs: int) -> list[list[int]]:
    """Return every best ladder of at most `num_graphs` sizes, by trying all; the largest batch is always in it."""
    *smaller, largest = sorted(histogram)
    chosen = min(num_graphs, len(histogram)) - 1  # one more size that occurs never adds a padded row
    ladders = [[*some, largest] for some in itertools.combinations(smaller, chosen)]
    rows = [oracle_padded_rows(ladder, histogram) for ladder in ladders]
    return [ladder for ladder, cost in zip(ladders, rows, strict=True) if cost == min(rows)]


def oracle_least_rows(histogram: dict[int, int], num_graphs: int) -> int:
    """Return the least number of padded rows that `num_graphs` sizes allow, by dynamic programming on prefix sums.

    `least[j]` covers the j smallest batches. The last size covers batches i..j-1 and pads them to the largest of them.
    """
    sizes = sorted(histogram)
    steps = [0, *itertools.accumulate(histogram[size] for size in sizes)]
    rows = [0, *itertools.accumulate(histogram[size] * size for size in sizes)]
    least = [0] + [float("inf")] * len(sizes)
    for _ in range(num_graphs):
        least = [0] + [
            min(least[i] + sizes[j] * (steps[j + 1] - steps[i]) - (rows[j + 1] - rows[i]) for i in range(j + 1))
            for j in range(len(sizes))
        ]
    return int(least[-1])


def oracle_day(rng: Random, num_humps: int, largest: int) -> dict[int, int]:
    """Return a day's traffic in clusters, where sizes that look good one by one are not the best together."""
    day: dict[int, int] = {}
    for hump in range(num_humps):
        centre = largest * (2 * hump + 1) // (2 * num_humps) + rng.randrange(-6, 7)
        width, height = rng.uniform(1.8, 4.5), rng.randrange(60, 300)
        for batch in range(max(1, centre - 9), centre + 10):
            day[batch] = day.get(batch, 0) + round(height * math.exp(-(((batch - centre) / width) ** 2) / 2))
    return {batch: steps for batch, steps in day.items() if steps}


def oracle_budget(rng: Random, largest: int, num_graphs: int) -> tuple[dict, dict]:
    """Return (budget, cost) in which one of the three budgets, drawn by chance, allows just `num_graphs`."""
    cost = {
        "mib_per_row": rng.randrange(1, 4),
        "mib_per_graph": rng.randrange(6, 29),
        "ms_per_graph": rng.randrange(50, 531),
    }
    graphs = [num_graphs, num_graphs + rng.randrange(1, 4), num_graphs + rng.randrange(1, 4)]
    rng.shuffle(graphs)
    budget = {
        "num_graphs": graphs[0],
        "memory_mib": cost["mib_per_row"] * largest + graphs[1] * cost["mib_per_graph"] + rng.randrange(6),
        "startup_ms": graphs[2] * cost["ms_per_graph"] + rng.randrange(50),
    }
    return budget, cost


def oracle_credit(days: list[tuple[list[int], dict[int, int], int]]) -> tuple[float, str]:
    """Return (share of the points, sentence) for legal ladders, each with its traffic and number of graphs.

    A day gives everything at the least possible number of padded rows, nothing from 10 % above it, and in between
    what a straight line gives; the share is the mean over the days.
    """
    gaps = []
    for ladder, histogram, num_graphs in days:
        least = oracle_least_rows(histogram, num_graphs)
        gaps.append((oracle_padded_rows(ladder, histogram) - least) / least)
    share = sum(max(0.0, 1 - gap / 0.10) for gap in gaps) / len(gaps)
    told = ", ".join(f"{100 * gap:.1f} %" for gap in gaps)
    days_told = f"On {len(gaps)} drawn days your ladder pads {told} more rows than the best one"
    return share, f"{days_told}: {share:.0%} of these points."


def oracle_break_even(
    histogram: dict[int, int], few: list[int], many: list[int], ms_per_graph: int, us_per_padded_row: int
) -> int | None:
    """Return the first number of steps at which `many` has cost no more than `few`, in whole numbers; None: never."""
    saved_rows = oracle_padded_rows(few, histogram) - oracle_padded_rows(many, histogram)
    if saved_rows <= 0 or us_per_padded_row <= 0:
        return None
    dearer_us = (len(many) - len(few)) * ms_per_graph * 1000
    return -(-dearer_us * sum(histogram.values()) // (saved_rows * us_per_padded_row))


def oracle_prices(rng: Random) -> tuple:
    """Return (histogram, few, many, ms_per_graph, us_per_padded_row) whose quotient is nowhere near a whole number."""
    while True:
        histogram = oracle_histogram(rng, rng.randrange(3, 9), 40)
        few = sorted({*rng.sample(range(1, 40), 2), 40})
        many = sorted({*rng.sample(range(1, 40), rng.randrange(3, 9)), 40})
        drawn = histogram, few, many, rng.randrange(40, 531), rng.randrange(2, 1600)
        saved_rows = oracle_padded_rows(few, histogram) - oracle_padded_rows(many, histogram)
        dearer_us = (len(many) - len(few)) * drawn[3] * 1000
        if saved_rows <= 0 or 0.02 < dearer_us * sum(histogram.values()) / (saved_rows * drawn[4]) % 1 < 0.98:
            return drawn
