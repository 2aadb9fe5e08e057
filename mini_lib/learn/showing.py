"""Show one sentence to whoever is there: as HTML in a notebook, as a line of text elsewhere.

The HTML is escaped, because a sentence may quote what a student's function returned. Only what IPython 7 has is used.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

_MARKS = {"right": "✔", "wrong": "✘", "not attempted": "○", "hint": "→"}
_EDGES = {"right": "#0072b2", "wrong": "#d55e00"}  # readable to the colour-blind; the word says it as well


class Note(NamedTuple):
    """A headed sentence that renders in a notebook and prints on a terminal."""

    head: str
    text: str

    def __repr__(self) -> str:
        return f"{_MARKS.get(self.head, '·')} {self.head.upper()}  {self.text}"

    def _repr_html_(self) -> str:
        edge = _EDGES.get(self.head, "#7f7f7f")
        mark = _MARKS.get(self.head, "·")
        return (
            f'<div style="border-left: 5px solid {edge}; padding: 0.2em 0.8em; max-width: 60em">'
            f"<b>{mark} {escape(self.head)}</b><br>{_html(self.text)}</div>"
        )


def _html(text: str) -> str:
    """Return `text` escaped, with what stands in backticks as code, and a *word* in stars with stress."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"(?<!\S)\*(\w+)\*(?!\S)", r"<em>\1</em>", html)


def show(thing: object) -> None:
    """Display `thing` in a notebook, print it elsewhere."""
    if _in_notebook():
        from IPython.display import display

        display(thing)
    else:
        print(thing)


def _in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs us: a terminal's IPython shows plain text well enough."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
