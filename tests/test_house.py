"""The rules of the house, read off the sources: who may import whom, how long things are, and that the README is true.

Imports are found by reading, not by running: those inside functions count as well, and so do those for types alone.
"""

from __future__ import annotations

import ast
import graphlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import mini_lib

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {
    "withheld": 0,
    "config": 1, "dispatch": 1, "timing": 1,
    "graphs": 2, "model": 2, "scheduling": 2, "plots": 2, "learn": 2,
    "compilation": 3, "diagnosis": 3, "sim": 3,
    "engine": 4,
    "labs": 5, "bench": 5,
}  # fmt: skip
STDLIB_ONLY = {"withheld", "config", "dispatch", "timing", "scheduling", "sim"}
MAY_IMPORT = {"torch", "numpy", "matplotlib", "tqdm", "IPython"}  # what a student on Colab has, and nothing else
RUN_IN_VENV = {"notebooks", "notebook_file", "picture", "on_gpu"}  # of .ci: they may import what .venv has
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MEDIAN_LINES = 250, 40, 12
ADDRESS = "/".join(["launch-bound"] * 2)
FORBIDDEN = {
    r"(?<![\w.}])/(work|root|opt)/\w": "a path of one machine",
    r"/(home|Users)/[a-z]+/": "a path of one person's machine",
    r"/usr/(local/)?lib/python": "a path of one machine",
    r"pypi\.org|pythonhosted\.org|npmjs\.org|deb\.debian\.org": "the host of a package registry",
}


@cache
def modules() -> dict[str, Path]:
    """Return every module of the house by its dotted name; those of .ci by their bare name, as they do it."""
    files = [path for folder in ("mini_lib", "autograde") for path in sorted((ROOT / folder).rglob("*.py"))]
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}
    return named | {path.stem: path for path in sorted((ROOT / ".ci").glob("*.py"))}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(name: str) -> tuple[tuple[str, int], ...]:
    """Return what module `name` imports, anywhere in it, as (dotted name, line), submodules named in full."""
    found = []
    for node in ast.walk(tree(modules()[name])):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = absolute(name, node)
            found += [(home(source, alias.name), node.lineno) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            argument = node.args[0]
            found += [(argument.value, node.lineno)] if isinstance(argument, ast.Constant) else []
    return tuple(found)


def absolute(name: str, node: ast.ImportFrom) -> str:
    """Return the module that `node` in module `name` imports from, whatever dots it uses."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if modules()[name].name == "__init__.py" else name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def home(source: str, name: str) -> str:
    """Return the module that `from source import name` needs: the submodule, or the home of a name handed on lazily."""
    if source == "mini_lib" and name in mini_lib._HOME_OF:
        return mini_lib._HOME_OF[name]
    return f"{source}.{name}" if f"{source}.{name}" in modules() else source


def rooms() -> Iterator[tuple[str, str]]:
    """Yield each module of mini_lib with the room it is in; `mini_lib` itself hands on lazily and is in none."""
    return ((name, name.split(".")[1]) for name in modules() if name.startswith("mini_lib."))


def functions() -> Iterator[tuple[str, int]]:
    """Yield each function of the house and how many lines it has, its docstring not counted."""
    for path in modules().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                is_docstring = ast.get_docstring(node, clean=False) is not None
                documentation = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
                lines = (node.end_lineno or 0) - node.lineno + 1 - documentation
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines


@cache
def tracked() -> tuple[str, ...]:
    """Return the files that git knows, relative to the root; the test is skipped where this is no clone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this folder is no git clone, so there is no list of its files")
    return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def text_of(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", errors="ignore")


def test_every_room_of_mini_lib_has_a_floor():
    homeless = sorted({room for _, room in rooms()} - set(FLOORS))
    assert not homeless, f"mini_lib has rooms without a floor: {homeless}. Say in FLOORS on which floor they are."


def test_imports_in_mini_lib_point_down():
    wrong = [
        f"mini_lib/{room} (floor {FLOORS[room]}) imports {target} (floor {FLOORS[other]}): {name}, line {line}"
        for name, room in rooms()
        for target, line in imports(name)
        if target.startswith("mini_lib.") and (other := target.split(".")[1]) != room and FLOORS[other] >= FLOORS[room]
    ]
    assert not wrong, "Imports point down, to a lower floor:\n" + "\n".join(wrong)


def test_no_module_of_mini_lib_imports_the_package_itself():
    wrong = [f"{name}, line {line}" for name, _ in rooms() for target, line in imports(name) if target == "mini_lib"]
    assert not wrong, f"Inside the library import a room by its own name, not through `mini_lib`: {wrong}"


def test_no_imports_go_in_a_circle():
    graph = {name: {target for target, _ in imports(name) if target in modules()} - {name} for name in modules()}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as circle:
        pytest.fail(f"These modules import each other in a circle: {' <- '.join(circle.args[1])}")


def test_rooms_that_start_in_a_blink_need_the_standard_library_alone():
    at_home = {"autograde.first_cells": {"autograde"}}
    at_home |= {name: {"mini_lib"} for name, room in rooms() if room in STDLIB_ONLY}
    ci = {path.stem for path in (ROOT / ".ci").glob("*.py")}
    at_home |= dict.fromkeys(ci - RUN_IN_VENV, ci)
    wrong = [
        f"{name}, line {line}: {target}"
        for name, own in at_home.items()
        for target, line in imports(name)
        if target.split(".")[0] not in sys.stdlib_module_names | own
    ]
    assert not wrong, "These need the standard library alone, and import more:\n" + "\n".join(wrong)


def test_mini_lib_needs_only_what_colab_brings():
    third_party = {
        (name, target.split(".")[0])
        for name, _ in rooms()
        for target, _ in imports(name)
        if target.split(".")[0] not in sys.stdlib_module_names | {"mini_lib", "__future__"}
    }
    late = {(name, "triton") for name in modules() if name.startswith("mini_lib.model.kernels.")}
    wrong = sorted((name, package) for name, package in third_party - late if package not in MAY_IMPORT)
    assert not wrong, f"A student on Colab has {sorted(MAY_IMPORT)} and not what these import: {wrong}"
    drawn = sorted(name for name, package in third_party if package == "matplotlib" and ".plots" not in name)
    assert not drawn, f"Only mini_lib/plots draws; matplotlib is also imported by {drawn}"


def test_only_what_runs_in_a_sandbox_knows_the_library():
    users = [name for name in modules() if name.split(".")[0] == "autograde" and "autograde.inside" not in name
             for target, _ in imports(name) if target.split(".")[0] == "mini_lib"]  # fmt: skip
    assert not users, f"The grading process parses nothing of a student's, so it needs no mini_lib; {users} imports it."


def test_what_runs_in_a_sandbox_imports_nothing_of_the_grader_outside_it():
    wrong = [f"{name}, line {line}: {target}" for name in modules() if name.startswith("autograde.inside")
             for target, line in imports(name) if target.split(".")[0] == "autograde"
             and not target.startswith("autograde.inside")]  # fmt: skip
    assert not wrong, f"A sandbox holds autograde/inside and the library alone, and these import more: {wrong}"


@pytest.mark.parametrize("name", ["mini_lib", "mini_lib.dispatch", "mini_lib.timing"])
def test_importing_a_torch_free_room_imports_neither_torch_nor_numpy_nor_matplotlib(name):
    code = f"import sys, {name}; print(sorted({{'torch', 'numpy', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", f"import {name} must start in a blink: {done.stdout}{done.stderr[-500:]}"


def test_a_file_is_one_idea():
    long = [f"{path.relative_to(ROOT)}: {count}" for path in modules().values()
            if (count := len(path.read_text().splitlines())) > MAX_FILE_LINES]  # fmt: skip
    assert not long, f"A file is one idea, in at most {MAX_FILE_LINES} lines: {long}"


def test_a_function_is_one_thought():
    lengths = dict(functions())
    long = [f"{name}: {count}" for name, count in lengths.items() if count > MAX_FUNCTION_LINES]
    assert not long, f"A function is one thought, in at most {MAX_FUNCTION_LINES} lines: {long}"
    median = statistics.median(lengths.values())
    assert median <= MAX_MEDIAN_LINES, f"Half of {len(lengths)} functions are longer than {median} lines: aim at 8."


def readme_tree() -> dict[str, str]:
    """Return each path in the README's tree with its caption; folders end in a slash."""
    block = re.search(r"```text\n(README\.md.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "README.md holds no tree: a block of ```text that begins with README.md"
    paths, above = {}, []
    for line in block[1].splitlines():
        name, caption = [*line.split(maxsplit=1), ""][:2]
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], name]
        paths["".join(above)] = caption
    return paths


def test_what_the_readme_shows_is_there_and_has_a_caption():
    for path, caption in readme_tree().items():
        is_there = (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()
        assert is_there, f"README.md's tree shows {path}, which is not there"
        assert caption, f"README.md's tree says nothing of {path}"


def test_the_readme_shows_all_that_is_there():
    top = {name.split("/")[0] + ("/" if "/" in name else "") for name in tracked()}
    top |= {"/".join(name.split("/")[:2]) + "/" for name in tracked() if re.match(r"mini_lib/\w+/", name)}
    missing = sorted(top - set(readme_tree()))
    assert not missing, f"README.md's tree does not show {missing}"


@pytest.mark.parametrize(("pattern", "what"), FORBIDDEN.items())
def test_no_file_names_one_machine(pattern, what):
    here = Path(__file__).relative_to(ROOT).as_posix()
    found = {name: match[0] for name in tracked() if name != here and (match := re.search(pattern, text_of(name)))}
    assert not found, f"{what} stands in {found}"


def test_the_address_of_the_repository_stands_in_one_place():
    generated = ("pyproject.toml", "notebooks/", "labs/", "autograde/sample_class/")
    found = [name for name in tracked() if ADDRESS in text_of(name) and not name.startswith(generated)]
    assert not found, f"The address belongs into pyproject.toml alone, and what is made from it: {found}"
