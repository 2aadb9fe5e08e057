"""The README says what is so: its picture, the numbers beside it, its map of the course, its links."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from mini_lib.timing.decode_step import decode_step

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PINNED_MATPLOTLIB = re.search(r"^matplotlib==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_the_picture_is_what_the_library_draws():
    import picture

    assert PINNED_MATPLOTLIB
    drawn = picture.picture()
    assert drawn.startswith(b"\x89PNG")
    if metadata.version("matplotlib") != PINNED_MATPLOTLIB[1]:
        pytest.skip(f"another matplotlib draws other bytes; the committed picture is by {PINNED_MATPLOTLIB[1]}")
    assert picture.PICTURE.read_bytes() == drawn, "the picture is out of date: make picture"


def test_the_numbers_beside_the_picture_are_the_simulators():
    eager, graph = decode_step()
    said = re.search(r"!\[(.*?)\]\(\.ci/picture\.png\)", README, re.DOTALL)
    assert said, "README.md shows no picture"
    for number in (f"{eager.duration_us:.0f} microseconds", f"{graph.duration_us:.0f} microseconds",
                   f"{100 * eager.idle_share('GPU'):.0f}% of the time"):  # fmt: skip
        assert number in said[1]


IN_THE_MAP = [(0, "notebooks", "{:02}_*.ipynb"), (2, "labs", "lab{:02}_*")]


@pytest.mark.parametrize(("column", "folder", "pattern"), IN_THE_MAP)
def test_the_map_of_the_course_says_what_is_here_and_what_is_to_come(column, folder, pattern):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in README.splitlines() if line.startswith("| ")]
    entries = {row[column]: row[column + 1] for row in rows if len(row) == 4 and re.match(r"\d+ ", row[column])}
    assert len(entries) == (11 if folder == "notebooks" else 8)
    for title, said in entries.items():
        found = list((ROOT / folder).glob(pattern.format(int(title.split()[0]))))
        assert said == ("here" if found else "to come"), f"README.md says '{said}' of {title!r}"


def test_every_link_of_the_readme_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).is_file()]


def test_both_licences_are_named_where_people_and_programs_look():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "BSD-3-Clause"
    assert "BSD 3-Clause" in (ROOT / "LICENSE").read_text().splitlines()[0]
    assert "creativecommons.org/licenses/by/4.0" in (ROOT / "LICENSE-text").read_text()
