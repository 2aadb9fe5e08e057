"""Lab 4, Capture-size ladder: what it says to a student who is working on it.

    4.1 default sizes, 4.2 size lookup      -> default_sizes.py, size_lookup.py
    4.3 padding waste                       -> waste.py
    4.4 harmless padding                    -> padding.py, proved by decode_step.py
    4.5 the best sizes under a budget       -> best.py
    4.6 fifty-one sizes, or eight?          -> transfer.py
    the traffic that all of them look at    -> traffic.py

Here are the visible cases, the wrong ideas that are known by name, and the hints. No function here answers an exercise.
"""

from mini_lib.labs.attempts import attempt
from mini_lib.labs.lab04.best import BEST_SIZES, BEST_SIZES_AT_SCALE
from mini_lib.labs.lab04.default_sizes import DEFAULT_SIZES
from mini_lib.labs.lab04.ladders_shown import show_ladders
from mini_lib.labs.lab04.padding import BATCH, PAD_BATCH
from mini_lib.labs.lab04.size_lookup import SIZE_FOR
from mini_lib.labs.lab04.traffic import EIGHT_SIZES, TRAFFIC, VLLM_SIZES
from mini_lib.labs.lab04.transfer import BREAK_EVEN, DEPLOYMENTS, show_break_evens
from mini_lib.labs.lab04.waste import PADDING_WASTE

__all__ = [
    "BATCH", "BEST_SIZES", "BEST_SIZES_AT_SCALE", "BREAK_EVEN", "DEFAULT_SIZES", "DEPLOYMENTS", "EIGHT_SIZES",
    "PADDING_WASTE", "PAD_BATCH", "SIZE_FOR", "TRAFFIC", "VLLM_SIZES", "attempt", "show_break_evens", "show_ladders",
]  # fmt: skip
