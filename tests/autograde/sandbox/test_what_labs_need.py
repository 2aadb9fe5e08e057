"""What the labs import is read off their releases, and only that is shown in the box."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograde.course import ROOT, CannotGrade
from autograde.sandbox import needed
from autograde.sandbox.box import Box


def lab(root: Path, *cells: str) -> Path:
    path = root / "labs" / "one" / "one.ipynb"
    path.parent.mkdir(parents=True)
    sources = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    path.write_text(json.dumps({"cells": sources}))
    return path


def test_imports_are_found_wherever_they_stand(tmp_path):
    lab(
        tmp_path,
        "import json.decoder as d\nfrom pathlib import Path, PurePath",
        "try:\n    import csv\nexcept E:\n    pass",
    )
    assert needed.imports(tmp_path) == ("csv", "json.decoder", "pathlib:Path", "pathlib:PurePath")


def test_a_cell_that_is_no_python_yet_is_passed_over(tmp_path):
    lab(tmp_path, "%pip install x", "x = ", "from csv import *\nimport csv")
    assert needed.imports(tmp_path) == ("csv",)


def test_a_release_that_is_no_notebook_is_named(tmp_path):
    lab(tmp_path).write_text("no JSON")
    with pytest.raises(CannotGrade, match=r"one\.ipynb is no notebook"):
        needed.imports(tmp_path)


def test_the_library_of_this_course_is_found_by_what_its_labs_import():
    assert needed.folders(needed.imports(ROOT)) == [ROOT / "mini_lib"]


def test_what_lies_in_pythons_own_folders_needs_no_showing():
    assert needed.folders(("json", "numpy.linalg", "a_library_of_nobody")) == needed.folders(())


def test_what_the_inside_imports_is_shown_to_every_course():
    assert set(needed.folders(())) <= {ROOT / "mini_lib"}


def mounts(box: Box) -> dict[str, str]:
    """How each folder is mounted."""
    words = box._files()
    pairs = {}
    while words:
        kind, path, *words = words[0], words[1], *words[3 if words[0] == "--ro-bind" else 2 :]
        pairs[path] = kind
    return pairs


def test_a_course_inside_something_shown_is_covered_and_its_library_shown_again(tmp_path):
    course = tmp_path / "environment" / "course"
    found = mounts(Box("bwrap", [tmp_path / "environment", course / "library"], [course], as_root=False))
    assert found[str(course)] == "--tmpfs" and found[str(course / "library")] == "--ro-bind"
    assert list(found).index(str(course)) < list(found).index(str(course / "library"))


def test_a_course_that_is_itself_to_be_shown_is_refused(tmp_path):
    with pytest.raises(CannotGrade, match="would be shown to students"):
        Box("bwrap", [tmp_path], [tmp_path], as_root=False).command(["true"], {})


def test_of_what_is_shown_in_tmp_the_outermost_folders_are_carried_over():
    shown = [Path("/tmp/of_a_test/library/more"), Path("/tmp/of_a_test/library"), Path("/srv/of_a_test")]
    box = Box("bwrap", shown, [], as_root=False)
    assert [path for path in box.in_tmp if "of_a_test" in path] == ["/tmp/of_a_test/library"]
