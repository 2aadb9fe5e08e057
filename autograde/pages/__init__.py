"""Pages of HTML that run nothing: templates filled by Jinja, in which every text is escaped.

A page carries its style in itself and asks for nothing outside. Its policy (Content-Security-Policy) allows that one
style, by its hash, and pictures that lie in the page; a browser would run no script in it even if one got in.
Text of students passes `plain` on its way: signs that cannot be seen, or that turn lines around, are spelled out.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

HERE = Path(__file__).parent
WORDS = {
    "right": "right",
    "partial": "partly right",
    "wrong": "wrong",
    "not_attempted": "not attempted",
    "not_run": "did not run",
    "needs_grader": "a person reads it",
}
CODE = re.compile(r"`([^`\n]+)`")
STRESS = re.compile(r"(?<!\S)\*(\w+)\*(?!\S)")
# Control signs, halves of surrogate pairs (no file can hold them), and signs that reorder the line they stand in.
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
LINE_ENDS = re.compile(r"\r\n?|[\x85\u2028\u2029]")


def render(template: str, **values: Any) -> str:
    """Return the page that a template of this folder makes of `values`."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"plain": plain, "sentence": sentence, "points": points}
    made.globals |= {"style": Markup(style()), "style_hash": style_hash()}
    return made


@cache
def style() -> str:
    """Return the style of all pages."""
    return (HERE / "look.css").read_text(encoding="utf-8")


def style_hash() -> str:
    """Return the name under which a page's policy allows its style, and no other."""
    return "sha256-" + b64encode(hashlib.sha256(style().encode()).digest()).decode()


def plain(text: str) -> str:
    r"""Return a text in which all is visible.

    >>> plain("a\x1bb\r\nc\u202ed")
    'a\\x1bb\nc\\u202ed'
    """
    return UNSEEN.sub(lambda sign: sign[0].encode("unicode_escape").decode(), LINE_ENDS.sub("\n", text))


def sentence(text: str) -> Markup:
    """Return `text` escaped, as a notebook shows it: what is in backticks as code, a *word* in stars with stress."""
    html = CODE.sub(r"<code>\1</code>", str(escape(plain(text))))
    return Markup(STRESS.sub(r"<em>\1</em>", html))


def points(number: float) -> str:
    """Return points as a person writes them: 3, 2.5, 0.33."""
    return f"{round(number, 2):g}"
