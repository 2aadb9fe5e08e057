"""A figure that a notebook can show by itself, and the same bytes on every run.

Pictures do not pass through pyplot: nothing is kept open, no window appears, a student's own style does not leak in.
The PNG carries neither date nor version, so a notebook that is executed again does not change.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

# Okabe and Ito's palette, which the colour-blind can tell apart; each use below also differs in brightness or hatch.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072B2", "#D55E00", "#CC79A7", "#000000"
GREY, PALE = "#8C8C8C", "#F4F4F4"

IDLE: dict[str, Any] = {"facecolor": PALE, "edgecolor": GREY, "hatch": "////", "linewidth": 0.0}
"""How nothing looks: idle time, and memory that nobody uses."""

_DPI = 150
_SHOWN_DPI = 100  # a notebook shows the picture at this size: the other pixels are for sharp screens

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "launch-bound",
}


def drawing() -> AbstractContextManager[None]:
    """Return a context in which all drawing has the course's style, whatever style the user has set."""
    return style.context(["default", _STYLE])


class Picture(Figure):
    """A matplotlib figure that displays itself in a notebook; `savefig` and all else work as on any figure."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=_DPI)
        FigureCanvasAgg(self)

    def png(self) -> bytes:
        """Return the picture as PNG: the same bytes for the same data and the same matplotlib."""
        buffer = BytesIO()
        with drawing():
            # The version of matplotlib would be written into the file by default.
            self.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
        return buffer.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = self.get_size_inches()
        return self.png(), {"width": round(width * _SHOWN_DPI), "height": round(height * _SHOWN_DPI)}


def legend_below(picture: Picture, keys: Sequence[Patch], right: float) -> None:
    """Write one line of legend at the bottom of `picture`, ending at `right`, a share of its width."""
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (right, 0.1 / picture.get_figheight())}
    room: dict[str, Any] = {"borderpad": 0, "borderaxespad": 0, "handlelength": 1.6, "columnspacing": 1.4}
    picture.legend(handles=keys, ncols=len(keys), frameon=False, fontsize=8, **place, **room)


def show(figure: Picture, caption: str) -> None:
    """Display `figure` and, under it, `caption` as text; then close the figure.

    The caption says in words what the picture says: JupyterLab keeps no alternative text with an image, so it is all
    that a reader without the picture has. Outside a notebook only the caption is printed.
    """
    if _in_notebook():
        from IPython.display import display

        png, size = figure._repr_png_()
        bundle = {"image/png": b64encode(png).decode("ascii"), "text/plain": f"[picture] {caption}"}
        display(bundle, raw=True, metadata={"image/png": {**size, "alt": caption}})
        display({"text/markdown": f"*{caption}*", "text/plain": caption}, raw=True)
    else:
        print(caption)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


def _in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs us, which can show an image."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
