"""What nbgrader's formgrader shows of a student's text: none of it runs in the Jupyter of who grades."""

from html.parser import HTMLParser

import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from autograde.course import ROOT

HONEST = "### Why\nSome *stress*, `code < 1`, and $x < 1$."
HOSTILE = """### Why
<script>alert(1)</script> <img src=x onerror=alert(2)> [click](javascript:alert(3)) <a href="JavaScript:alert(4)">x</a>

![x](x" onerror="alert(5)) <svg onload=alert(6)></svg> <iframe src="data:text/html,7"></iframe> <p style="x:y">8</p>

![from elsewhere](https://example.org/who_looks.png) <form action=x><input name=x></form>

<div class="nbgrader_cell"><span id="why"></span><a class="full-credit" href="#">Read on</a></div>
"""
PNG = "\"' onerror='alert(9)"
MARKS = {"grade": True, "solution": True, "locked": False, "points": 1, "schema_version": 3, "task": False}
WORDS = ("assignment_id", "notebook_id", "submission_id", "student", "first_name", "last_name", "base_url")
HARMLESS = {"p", "em", "code", "a", "img", "h3", "div", "span", "pre"}
BY_NAME = ("style", "id", "class", "name")  # by which the page's own script and style find things


class Active(HTMLParser):
    """Collects what of a page would run, load something, or take the place of something else."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag not in HARMLESS or (tag == "img" and not given.get("src", "").startswith("data:image/")):
            self.found.append(tag)
        self.found += [(tag, name) for name in given if name.startswith("on") or name in BY_NAME]
        self.found += [(tag, link) for link in given.values() if "javascript:" in link.lower()]


def shown(cell):
    """Return the page that the formgrader makes of a cell, under the configuration of the course."""
    config = PyFileConfigLoader(str(ROOT / "autograde" / "nbgrader_config.py")).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    cell.metadata.nbgrader = {**MARKS, "grade_id": "why"}
    resources = {**dict.fromkeys(WORDS, "toy"), "index": 0, "total": 1}
    return HTMLExporter(config=config).from_notebook_node(new_notebook(cells=[cell]), resources=resources)[0]


def text(source):
    return new_markdown_cell(source)


def displayed(source):
    data = {"text/html": source, "text/markdown": source, "text/plain": source, "image/svg+xml": "<svg/>"}
    picture = {"image/png": PNG if source == HOSTILE else "AA=="}
    outputs = [new_output("display_data", data={kind: form}) for kind, form in (data | picture).items()]
    return new_code_cell("1", outputs=outputs)


@pytest.mark.parametrize("cell", [text, displayed])
def test_nothing_that_a_student_wrote_runs_or_loads_anything_in_the_formgrader(cell):
    assert Active(shown(cell(HOSTILE))).found == Active(shown(cell(HONEST))).found


def test_what_markdown_makes_of_a_text_is_shown():
    page = shown(text(HONEST))
    assert "Some <em>stress</em>, <code>code &lt; 1</code>, and $x &lt; 1$.</p>" in page and "<h3>Why" in page
