"""One list of dependencies: constraints.txt pins it, environment.yml repeats none of it, Colab keeps what it has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import environment

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def versions(path: Path) -> dict[str, str]:
    """Return the version of each package that a list in the form of `pip freeze` names."""
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def requirements(extra: str | None = None) -> list[Requirement]:
    """Return what the project needs by itself, or what `extra` adds, the extras that it holds included."""
    listed = [Requirement(text) for text in (EXTRAS[extra] if extra else PROJECT["dependencies"])]
    inner = [held for entry in listed if entry.name == PROJECT["name"] for held in entry.extras]
    return [entry for entry in listed if entry.name != PROJECT["name"]] + [
        entry for held in inner for entry in requirements(held)
    ]


def test_every_extra_holds_the_one_before_it_and_the_last_one_holds_what_only_some_need_too():
    for_some = ("cluster", "postgresql", "kernels")
    assert [extra for extra in EXTRAS if extra not in for_some] == list(environment.EXTRAS)
    assert {f"{PROJECT['name']}[{extra}]" for extra in for_some} <= set(EXTRAS[environment.EXTRAS[-1]])
    for smaller, larger in zip(environment.EXTRAS, environment.EXTRAS[1:], strict=False):
        assert f"{PROJECT['name']}[{smaller}]" in EXTRAS[larger], f"the extra {larger} must hold {smaller}"


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_what_the_course_needs_is_pinned_to_a_version_that_it_accepts(extra):
    pins = versions(ROOT / "constraints.txt")
    for entry in requirements(extra):
        assert entry.specifier.contains(pins[canonicalize_name(entry.name)]), f"constraints.txt breaks {entry}"


def test_pins_name_versions_that_any_machine_can_get():
    pins = versions(ROOT / "constraints.txt")
    odd = {name: version for name, version in pins.items() if "+" in version or not version}
    assert not odd, f"a build of one machine, or no version, cannot be installed elsewhere: {odd}"


def test_environment_yml_is_python_and_pip_and_an_extra_of_pyproject():
    file = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, from_pip = file["dependencies"]
    assert [Requirement(text).name for text in conda] == ["python", "pip"], "conda brings Python and pip alone"
    assert from_pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}
    assert "dev" in EXTRAS
    assert file["name"] == environment.CONDA_NAME
    ours, theirs = SpecifierSet(PROJECT["requires-python"]), Requirement(conda[0]).specifier
    assert theirs.contains("3.11.0") and not [old for old in ("3.10.0", "3.9.0") if theirs.contains(old)]
    assert ours.contains("3.11.0") and ours.contains("3.13.0")


def test_installing_the_library_on_colab_replaces_nothing_there():
    colab = versions(Path(__file__).with_name("colab_freeze.txt"))
    assert SpecifierSet(PROJECT["requires-python"]).contains(colab["python"])
    for entry in requirements():
        there = colab.get(canonicalize_name(entry.name))
        assert there, f"Colab's list here does not name {entry.name}: add its line from Colab's freeze"
        assert entry.specifier.contains(there), f"pip would replace Colab's {entry.name} {there} because of '{entry}'"


@pytest.mark.parametrize("torch", ["2.9.0", "2.10.0", "2.11.0", "2.15.0"])
def test_every_torch_of_colabs_runtimes_and_the_newest_is_accepted(torch):
    wants = next(entry for entry in requirements() if entry.name == "torch")
    assert wants.specifier.contains(torch)


def test_the_library_has_lower_bounds_only():
    bounds = [(entry.name, bound.operator) for entry in requirements() for bound in entry.specifier]
    assert bounds
    assert {operator for _, operator in bounds} == {">="}, f"an upper bound would downgrade Colab one day: {bounds}"
