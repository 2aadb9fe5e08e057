"""The table in properties.md is true: every property in scope, and every test and planted bug that it names, exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).resolve().parents[1]
IN_SCOPE = {
    "A": (*range(1, 11), 12, 13, 14, 15, 16, 18, 19, 20, 21, 23),
    "B": (*range(1, 9), 10, 11, 13, 14, 15, 16, 21, 22),  # not 17, 18, 19, 23: grammar, penalties, several ranks
    "C": (1, 2, 3, 4, 6, 7),
    "D": (*range(1, 8), 9, 10),
    "E": (*range(1, 8), 9, 10, 11, 13, 14, 15, 17, 18, 19, 20, 22, 23),
    "F": (1, 2, 4, 5, 6, 7, 9),
}


class Property(NamedTuple):
    """A row of the table."""

    id: str
    text: str
    tests: list[str]
    bugs: list[str]
    outcome: str


def table() -> list[Property]:
    lines = (Path(__file__).parent / "properties.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| [A-F]\d", line)]
    return [Property(id, text, in_ticks(tests), in_ticks(bugs), outcome) for id, text, tests, bugs, outcome in cells]


def in_ticks(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


PROPERTIES = table()
WITH_BUGS = "\n".join(path.read_text() for path in sorted(TESTS.glob("**/test_*bugs.py")))
LAB_7 = (TESTS.parent / "solutions" / "lab07_overlap" / "mutants.py").read_text()


def is_planted(name: str) -> bool:
    """Tell whether some table plants a bug of this name: a string there, or the first entry of a row."""
    if name.startswith("lab 7: "):
        return f'"{name.removeprefix("lab 7: ")}"' in LAB_7
    return f'"{name}"' in WITH_BUGS or f"        ({name}, " in WITH_BUGS


def test_every_property_in_scope_is_there_once_and_in_order():
    assert [one.id for one in PROPERTIES] == [f"{letter}{n}" for letter, all_n in IN_SCOPE.items() for n in all_n]


@pytest.mark.parametrize("one", PROPERTIES, ids=lambda one: one.id)
def test_the_tests_and_bugs_that_are_named_exist(one):
    assert one.text and one.tests
    for place in one.tests:
        file, name = place.split("::")
        assert f"\ndef {name}(" in (TESTS / file).read_text(), place
    assert [name for name in one.bugs if not is_planted(name)] == []
    assert bool(one.bugs) == (one.outcome == "caught") and len(one.outcome) >= len("caught")


def test_every_planted_bug_with_an_id_is_in_the_table():
    planted = set(re.findall(r'"([A-F]\d+ [^"]+)"', WITH_BUGS))
    assert len(planted) > 90 and planted == {name for one in PROPERTIES for name in one.bugs if name in planted}
