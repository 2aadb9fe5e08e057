"""What nbgrader's formgrader shows of a student's text and HTML, washed: it is a page of the Jupyter of who grades.

A script there would run with all their rights. nbconvert's `sanitize_html` takes scripts out of what is displayed, and
leaves `class` and `id`, by which the formgrader finds its own buttons: a box of a student's could stand for them, and a
click give full credit. nbgrader's templates show text cells without heeding it at all. `nbgrader_config` puts `washed`
in the place of both filters: of `clean_html`, and of `strip_files_prefix`, the last thing done to a text cell.
"""

from __future__ import annotations

import bleach

# What markdown and tables make. No pictures: one from elsewhere would tell its owner who looks, and when.
TAGS = bleach.ALLOWED_TAGS | {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "div", "span", "del", "sub", "sup"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
ATTRIBUTES = {"a": ["href", "title"], "td": ["colspan", "rowspan"], "th": ["colspan", "rowspan"]}


def washed(html: str) -> str:
    """Return HTML with all that could run, load something, or pass for the page's own spelled out or left out.

    >>> washed("<p id='score'>See <em>this</em> <script>alert(1)</script></p>")
    '<p>See <em>this</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>'
    """
    return bleach.clean(html, TAGS, ATTRIBUTES)
