"""The pages of `similar`: what they mark, what they link, and that nothing on them runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from autograde.course import Course
from autograde.similar import readers
from autograde.similar.compare import compare
from autograde.similar.marks import runs
from autograde.similar.pages import write
from autograde.similar.picture import histogram
from autograde.similar.readers import read_all
from autograde.similar.reading import Notebook, prints
from tests.autograde.similar_class import LAB, course_in, hand_in, independent, renamed

EVIL = '\n# </pre></mark><script>alert(1)</script><img src=x onerror=alert(2)> \u202e\nname = "</mark><script>"\n'


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    return course_in(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def pages(course, tmp_path_factory) -> Path:
    """The pages of a class in which two with hostile names share an answer with hostile text."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("out")
    written = independent(course, 9)
    evil = {name: code + EVIL for name, code in written["student_00"].items()}
    other = {name: renamed(code) + EVIL for name, code in written["student_00"].items()}
    hand_in(course, folder, {**written, "<b>eve": evil, "mallory'\" onclick=x": other, "nobody": {}})
    os.mkfifo(made(folder / "fifo" / LAB) / f"{LAB}.ipynb")
    (made(out / "similar") / f"{LAB}-999.html").write_text("of an earlier run")
    handed_in = {path.name: path for path in folder.iterdir()}
    found = compare(course, course.lab(LAB), handed_in, 2, lambda readings, _: readings)
    write([found], folder, out / "similar")
    return out / "similar"


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_every_listed_pair_has_its_page_and_pages_of_an_earlier_run_are_gone(pages):
    linked = re.findall(r'href="([^"]+)"', (pages / "index.html").read_text())
    assert linked and sorted([*linked, "index.html"]) == sorted(path.name for path in pages.iterdir())


def test_nothing_on_a_page_runs_or_is_fetched(pages):
    for page in pages.iterdir():
        text = page.read_text()
        assert "default-src 'none'" in text
        assert not re.search(r"<script|<img (?!src=\"data:image/svg)|<b>|onerror=(?!alert\(2\)&gt;)", text), page.name
        assert "\u202e" not in text


def test_names_and_answers_are_shown_as_they_were_written(pages):
    assert "&lt;b&gt;eve" in (pages / "index.html").read_text()
    assert "&lt;script&gt;alert(1)" in (pages / f"{LAB}-001.html").read_text()


def test_the_index_says_what_a_share_proves_and_who_was_not_compared(pages):
    text = (pages / "index.html").read_text()
    assert "proves: nothing by itself" in text and "fifo</bdi>: " in text


def test_a_mark_covers_what_both_wrote_and_nothing_else():
    shared = "totals = [count * weight for count, weight in zip(counts, weights, strict=True)]\n"
    mine, other = part(f"alone = {{1: 2, 3: 4}}\n{shared}"), part(f"{shared}while other: other -= 17 * other\n")
    nothing = np.array([], np.int64)
    marked = runs(mine, other.hashes, nothing, np.intersect1d(mine.hashes, other.hashes))
    assert "".join(run.text for run in marked) == mine.text
    assert [run.text for run in marked if run.kind == "few"] == [shared.strip()]
    assert {run.kind for run in runs(mine, other.hashes, mine.hashes, nothing)} == {"known", ""}


def part(text: str) -> readers.Part:
    return readers.part(prints(text))


def test_the_same_shares_give_the_same_picture():
    assert histogram([0.0, 0.1, 0.9], 0.4) == histogram([0.0, 0.1, 0.9], 0.4)


def test_a_reader_that_never_answers_is_ended_and_the_rest_is_read(course, tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "WALL_SECONDS", 1)
    os.mkfifo(tmp_path / "release.ipynb")  # to open it is to wait for ever
    tasks = {"waits": Notebook(tmp_path, LAB, tmp_path / "release.ipynb", 1_000), "answers": {"x": "x = 1"}}
    found = dict(read_all(tasks, 1))
    assert "could not be read" in found["waits"].refused and found["answers"].parts["x"].text == "x = 1"
