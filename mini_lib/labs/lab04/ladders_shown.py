"""A student's best ladders beside the best there are, in a cell that runs whether or not they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mini_lib.labs.attempts import attempt
from mini_lib.labs.lab04.traffic import TRAFFIC, VLLM_SIZES

LEAST_PADDED_ROWS = {4: 110951, 8: 50044, 16: 22697}  # number of graphs -> fewest possible padded rows under TRAFFIC
COST = {"mib_per_row": 2, "mib_per_graph": 10, "ms_per_graph": 400}


def show_ladders(best_sizes: Callable[..., Any], padding_waste: Callable[..., Any]) -> None:
    """Print for 4, 8 and 16 graphs the student's ladder and what the student's own `padding_waste` says of it."""
    real = sum(batch * steps for batch, steps in TRAFFIC.items())
    for num_graphs, padded in LEAST_PADDED_ROWS.items():
        budget = {"num_graphs": num_graphs, "memory_mib": 4000, "startup_ms": 9000}
        ladder = attempt(best_sizes, dict(TRAFFIC), budget, dict(COST))
        share = None if ladder is None else attempt(padding_waste, ladder, dict(TRAFFIC))
        if not isinstance(share, float):
            return
        print(f"{num_graphs:>3} graphs: {share:6.1%} padding, {padded / (real + padded):6.1%} is possible")
        print(f"            yours: {ladder}")
    share = attempt(padding_waste, list(VLLM_SIZES), dict(TRAFFIC))
    print(f"{len(VLLM_SIZES):>3} graphs: {share:6.1%} padding with vLLM's default sizes")
