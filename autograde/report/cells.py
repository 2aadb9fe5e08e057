"""Cells that a spreadsheet shows and does not execute.

A spreadsheet executes what begins with `=`, `+`, `-` or `@`; some take the full-width forms as well, some look behind
leading blanks or quotes. An apostrophe in front makes text of it. The same holds *within* a cell behind a semicolon,
tab or line end: where those separate cells (a semicolon does in half of Europe), a cell of ours is taken apart there,
quotes or not. A comma needs no such care: whoever takes our lines apart at commas reads our quotes as well.

What it does not do: a spreadsheet still makes a number of a student called 00123, and a date of 1-2.
"""

from __future__ import annotations

import re

FORMULA = "=+\\-@\N{MINUS SIGN}＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋"
SEPARATOR = ";\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
UNSEEN = "\\s\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
QUOTE = '"`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}'
EXECUTED = re.compile(f"(?:^|(?<=[{SEPARATOR}]))(?=[{UNSEEN}{QUOTE}]*[{FORMULA}])|^(?=[\t\r\n])")


def inert(cell: str | float) -> str | float:
    """Return a cell that a spreadsheet shows and does not execute. Numbers stay numbers.

    >>> inert("=1+1"), inert("3 points; =1+1"), inert(-1.5)
    ("'=1+1", "3 points;' =1+1", -1.5)
    """
    return EXECUTED.sub("'", cell) if isinstance(cell, str) else cell


def one_line(text: str) -> str:
    """Return a text without line ends and tabs: a cell that a person reads in a row."""
    return " ".join(text.split())
