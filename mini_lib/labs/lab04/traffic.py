"""The traffic that lab 4 looks at, and two ladders for it.

A histogram says how many decode steps had how many running requests: `{33: 120}` is 120 steps with a batch of 33.
This one is synthetic: three rounded bell curves for night, day and rush hour of a server with `max_num_seqs=256`.
It is no measurement; it stands for a server that is seldom full.
"""

from __future__ import annotations

import math

Histogram = dict[int, int]  # batch size -> number of decode steps that had it

_HUMPS = ((5, 3.0, 300.0), (38, 9.0, 160.0), (104, 14.0, 60.0))  # centre and width in rows, height in steps


def _steps(batch: int) -> int:
    """Return how many steps of the day had `batch` running requests."""
    return round(sum(height * math.exp(-(((batch - centre) / width) ** 2) / 2) for centre, width, height in _HUMPS))


TRAFFIC: Histogram = {batch: _steps(batch) for batch in range(1, 257) if _steps(batch) > 0}

# vLLM 0.33.0 with max_num_seqs=256 and defaults else: 51 sizes, in tokens.
VLLM_SIZES = [1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)]

# The best ladder of eight sizes for TRAFFIC: 4.5 asks how one finds it.
EIGHT_SIZES = [9, 34, 44, 56, 96, 109, 123, 147]
