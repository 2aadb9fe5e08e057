"""Who is in a class, and what each handed in, where a folder or its name is made to hurt."""

from __future__ import annotations

import pytest

from autograde.ingest import find_notebook
from autograde.inside.handed_in import Unreadable
from autograde.roster import students

TOO_LONG = "x" * 300  # a name that no file system takes: asked for it, the system answers as for a closed folder


def test_no_name_is_markup_where_formgrader_puts_it_into_a_page_as_it_is(tmp_path):
    names = ["<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "\\x3cimg", "O'Brien & Sons"]
    for name in names:
        (tmp_path / name).mkdir()
    found = {path.name: name for name, path in students(tmp_path).items()}
    assert [found[name] for name in names] == [
        "\\x3cimg src=x onerror=alert(1)\\x3e",
        "\\x22 onmouseover=\\x22alert(1)",
        "\\\\x3cimg",
        "O'Brien & Sons",
    ]


def test_a_link_that_cannot_be_followed_stops_nobody(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "eve").symlink_to(TOO_LONG)
    assert list(students(tmp_path)) == ["ada"]


def test_a_folder_that_cannot_be_opened_is_told_of_and_stops_nobody(tmp_path):
    with pytest.raises(Unreadable, match="cannot be opened: File name too long"):
        find_notebook(tmp_path / TOO_LONG, "toy")
