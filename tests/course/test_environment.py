"""The virtual environment: made once, fast afterwards, made good where an installation was cut short or the pins moved.

pip is replaced by a stand-in that writes down what it was asked; the environments themselves are real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv as standard_venv
from pathlib import Path

import pytest

import environment
from environment import SetupError, ensure, python_of


class Pip:
    """What pip was asked for, in order; it fails where a test says so."""

    def __init__(self) -> None:
        self.extras: list[str] = []
        self.status = 0

    def __call__(self, command, log, *, cwd, env):
        assert command[1:6] == ["-m", "pip", "install", "-c", "constraints.txt"]
        self.extras.append(command[-1])
        log.write_text("Collecting torch\nERROR: no such version\n")
        return self.status


@pytest.fixture
def pip(monkeypatch):
    stand_in = Pip()
    monkeypatch.setattr(environment, "follow", stand_in)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    return stand_in


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with the two lists, where a new .venv is made without pip and counts as healthy all the same."""
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "constraints.txt").write_text("torch==2.13.0")

    def create(venv: Path) -> None:
        standard_venv.create(venv, clear=True, symlinks=os.name != "nt")

    def healthy(venv: Path) -> bool:
        return python_of(venv).exists()

    monkeypatch.setattr(environment, "create", create)
    monkeypatch.setattr(environment, "healthy", healthy)
    return tmp_path


def test_the_first_time_makes_an_environment_and_installs_what_was_asked_for(root, pip):
    assert ensure("student", root).exists()
    assert pip.extras == [".[student]"]


def test_the_second_time_starts_nothing(root, pip, monkeypatch):
    ensure("dev", root)
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    assert ensure("dev", root) == ensure("student", root) == python_of(root / ".venv")
    assert pip.extras == [".[dev]"]


def test_more_is_installed_when_more_is_needed(root, pip):
    for extra in ("student", "dev", "instructor", "student"):
        ensure(extra, root)
    assert pip.extras == [".[student]", ".[dev]"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyproject.toml", "[project]\nname = 'x'"), ("pyproject.toml", "[build-system]\nrequires = ['x']"),
     ("constraints.txt", "torch==2.15.0")],
)  # fmt: skip
def test_new_pins_are_installed_and_take_no_tools_away(root, pip, name, text):
    ensure("dev", root)
    (root / name).write_text(text)
    ensure("student", root)
    ensure("student", root)
    assert pip.extras == [".[dev]", ".[dev]"]


def test_a_new_rule_for_the_linter_installs_nothing(root, pip):
    ensure("dev", root)
    (root / "pyproject.toml").write_text("[project]\n[tool.ruff]\nline-length = 120")
    ensure("dev", root)
    assert pip.extras == [".[dev]"]


def test_an_installation_that_failed_is_done_again(root, pip):
    pip.status = 1
    for _ in range(2):
        with pytest.raises(SetupError, match=r"no such version\n.*install\.log"):
            ensure("student", root)
    pip.status = 0
    ensure("student", root)
    ensure("student", root)
    assert len(pip.extras) == 3


def test_an_update_that_was_interrupted_is_done_again(root, pip, monkeypatch):
    ensure("student", root)

    def ctrl_c(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "follow", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        ensure("dev", root)
    monkeypatch.setattr(environment, "follow", pip)
    ensure("student", root)
    assert pip.extras == [".[student]", ".[student]"]


@pytest.mark.parametrize("stamp", ["", "{", "[]", "null", '{"extra": "dev"}', '{"extra": "all", "pins": "x"}'])
def test_a_damaged_stamp_means_that_it_is_done_again(root, pip, stamp):
    ensure("student", root)
    (root / ".venv" / "launch-bound.json").write_text(stamp)
    ensure("student", root)
    assert len(pip.extras) == 2


def test_an_environment_whose_python_is_gone_is_made_again(root, pip):
    python = ensure("student", root)
    python.unlink()
    python.symlink_to(root / "uninstalled" / "python3")
    assert ensure("student", root).exists()
    assert len(pip.extras) == 2


def test_an_environment_that_was_moved_is_installed_again(root, pip, tmp_path_factory):
    ensure("student", root)
    elsewhere = tmp_path_factory.mktemp("moved") / "course"
    root.rename(elsewhere)
    ensure("student", elsewhere)
    assert len(pip.extras) == 2


def test_in_the_conda_environment_nothing_is_made(root, pip, monkeypatch, tmp_path):
    prefix = tmp_path / "envs" / "launch-bound"
    prefix.mkdir(parents=True)
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    monkeypatch.setattr(sys, "prefix", str(prefix))
    assert ensure("dev", root) == Path(sys.executable)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # another Python than the one of the activated environment
    assert ensure("dev", root) == python_of(root / ".venv")


def test_a_real_environment_is_made_and_told_from_a_broken_one(tmp_path):
    venv = tmp_path / "with a space" / ".venv"
    venv.parent.mkdir()
    assert not environment.healthy(venv)
    environment.create(venv)
    assert environment.healthy(venv)
    (pip,) = venv.glob("lib/python3*/site-packages/pip") or venv.glob("Lib/site-packages/pip")
    pip.rename(pip.with_name("half_a_pip"))
    assert not environment.healthy(venv)


def test_an_environment_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / ".venv").write_text("a file in the way")
    with pytest.raises(SetupError, match=r"No virtual environment could be made in (?s:.*)python3-venv"):
        environment.create(tmp_path / ".venv")


def test_programs_started_from_a_notebook_find_the_environment_first(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/somewhere/else")
    own = environment.variables(python_of(tmp_path / ".venv"))
    assert own["PATH"].split(os.pathsep)[0] == str(python_of(tmp_path / ".venv").parent)
    assert "PYTHONHOME" not in own


def test_what_a_long_command_says_is_logged_and_its_status_returned(tmp_path, capfd):
    from progress import follow

    code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    assert follow([sys.executable, "-c", code], tmp_path / "log", cwd=tmp_path, env=dict(os.environ)) == 3
    assert sorted((tmp_path / "log").read_text().split()) == ["one", "two"]
    assert capfd.readouterr().out == "", "where nobody looks on, nothing is drawn"


def test_the_stamp_of_this_environment_names_an_extra(pytestconfig):
    stamp = pytestconfig.rootpath / ".venv" / "launch-bound.json"
    if not stamp.exists():
        pytest.skip("these tests were not started by `make test`, so there is no stamp to read")
    assert json.loads(stamp.read_text())["extra"] in environment.EXTRAS
