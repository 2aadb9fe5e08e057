"""A picture made of characters: it costs nothing to draw, and reads the same in greyscale and aloud."""

from __future__ import annotations

from html import escape
from typing import NamedTuple


class Text(NamedTuple):
    """Lines in a fixed-width font."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<pre style="line-height: 1.15; white-space: pre; overflow-x: auto">{escape(self.text)}</pre>'
