"""The first cell installs the library where it is missing, and does nothing, any number of times, where it is not."""

import sys

import pytest

from tests.notebooks.building import PATHS, notebook_file

IPython = pytest.importorskip("IPython")


@pytest.fixture(scope="module")
def install_cell():
    return next(cell.source for cell in notebook_file.read(PATHS[0]).cells if cell.cell_type == "code")


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.asked = []
    shell.register_magic_function(shell.asked.append, magic_name="pip")
    return shell


def test_all_notebooks_start_with_the_same_cell(install_cell):
    for path in PATHS:
        assert [cell.source for cell in notebook_file.read(path).cells].index(install_cell) == 1


def test_where_the_library_is_there_two_runs_install_nothing(shell, install_cell):
    for _ in range(2):
        shell.run_cell(install_cell).raise_error()
    assert shell.asked == []


def test_where_the_library_is_missing_it_is_installed_from_its_repository(shell, install_cell, monkeypatch):
    monkeypatch.setitem(sys.modules, "mini_lib", None)  # makes `import mini_lib` fail
    shell.run_cell(install_cell).raise_error()
    assert len(shell.asked) == 1
    assert shell.asked[0].startswith('install -q "launch-bound @ git+https://')


def test_the_badge_opens_this_very_notebook():
    for path in PATHS:
        assert notebook_file.read(path).cells[0].source.endswith(f"/blob/main/notebooks/{path.name})")
