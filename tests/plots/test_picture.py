"""Pictures as such: the same bytes every time, in any style, and shown with a caption that says it in words."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import pytest

from mini_lib import plots
from mini_lib.plots import picture
from mini_lib.timing import decode_step
from tests.plots.drawn import assert_readable
from tests.plots.test_address_map import Block

ROOT = Path(__file__).parent.parent.parent
STEP = decode_step(num_kernels=12, kernel_us=3.0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.two_lanes(STEP.eager, title="a"),
        lambda: plots.compare_lanes({"eager": STEP.eager, "graph": STEP.graph}, title="b"),
        lambda: plots.address_map([Block(0, 4096, "h", True)], title="c"),
        lambda: plots.staircase([1, 2, 4], {3: 4}, title="d"),
    ],
    ids=["two_lanes", "compare_lanes", "address_map", "staircase"],
)
def test_a_picture_is_readable_and_the_same_bytes_in_any_style_without_date_or_version(draw):
    assert_readable(draw())
    png = draw().png()
    with mpl.rc_context(
        {"font.size": 20.0, "axes.facecolor": "black", "savefig.facecolor": "red", "hatch.linewidth": 4.0}
    ):
        assert draw().png() == png
    assert b"matplotlib" not in png.lower()
    assert b"tIME" not in png


def shown(monkeypatch, draw, caption):
    """Return what `show` displays in a notebook, as (bundle, metadata) pairs."""
    displayed = []
    monkeypatch.setattr(picture, "_in_notebook", lambda: True)
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw, metadata=None: displayed.append((bundle, metadata))
    )
    plots.show(draw, caption)
    return displayed


def test_show_displays_the_picture_and_the_caption_as_text(monkeypatch):
    drawing = plots.two_lanes(STEP.eager, title="a")
    (image, metadata), (text, _) = shown(monkeypatch, drawing, "The GPU waits for most launches.")
    assert b64decode(image["image/png"]) == drawing.png()
    assert metadata["image/png"]["width"] == round(drawing.get_figwidth() * 100)
    assert text == {
        "text/markdown": "*The GPU waits for most launches.*",
        "text/plain": "The GPU waits for most launches.",
    }


def test_show_prints_the_caption_where_no_notebook_is(capsys):
    plots.show(plots.staircase([1, 2, 4], {3: 4}), "Three rows ride in the graph for four.")
    assert capsys.readouterr() == ("Three rows ride in the graph for four.\n", "")


@pytest.mark.parametrize(
    ("shell", "answer"), [(None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=1), True)]
)
def test_only_a_jupyter_kernel_counts_as_a_notebook(monkeypatch, shell, answer):
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert picture._in_notebook() is answer


def test_a_picture_that_ends_a_cell_shows_itself():
    drawing = plots.two_lanes(STEP.graph)
    png, size = drawing._repr_png_()
    assert png == drawing.png()
    assert size["width"] * 1.5 == int.from_bytes(png[16:20], "big"), "one and a half pixels for each that is asked for"


def test_drawing_loads_no_pyplot_and_opens_no_window():
    code = (
        "import sys; from mini_lib import plots; from mini_lib.timing import decode_step;"
        "plots.two_lanes(decode_step().eager).png(); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
