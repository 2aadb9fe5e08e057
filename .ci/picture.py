"""The README's picture: one decode step launched kernel by kernel, and the same step as one graph.

Its times are computed by `mini_lib.timing` from assumed costs. `make picture` writes it; a test compares it.
"""

from __future__ import annotations

import sys
from pathlib import Path

PICTURE = Path(__file__).with_name("picture.png")


def picture() -> bytes:
    """Return the picture as PNG, the same bytes for the same library and the same matplotlib."""
    from mini_lib.plots import compare_lanes
    from mini_lib.timing.decode_step import decode_step

    eager, graph = decode_step()
    timelines = {"launched kernel by kernel": eager, "replayed from a CUDA graph": graph}
    return compare_lanes(timelines, title="One decode step of 40 kernels, twice (simulated)").png()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    PICTURE.write_bytes(picture())
    print(f"{PICTURE} is drawn again: {PICTURE.stat().st_size} bytes.")
