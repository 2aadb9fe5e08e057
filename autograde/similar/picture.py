"""The class in one picture: how many pairs share how much. What is usual is the hill on the left."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

BINS = 25
STYLE: dict[str, Any] = {
    "svg.hashsalt": "autograde",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def histogram(shares: Sequence[float], line: float) -> str:
    """Return the address of an SVG that lies in the page itself; the same shares give the same bytes."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(9, 3), layout="constrained")
        axes = figure.subplots()
        axes.hist(shares, bins=list(np.linspace(0, 1, BINS + 1)), color="#0072b2", edgecolor="white", log=True)
        axes.axvline(line, color="#c24e00", linestyle="--", linewidth=1.5)
        axes.annotate("stands out", (line, 1), (4, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
                      color="#c24e00", va="top")  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0.7, None), xlabel="share of a pair, of all that the two wrote", ylabel="pairs")
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter("{x:g}")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + b64encode(drawn.getvalue()).decode()
