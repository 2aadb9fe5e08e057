"""The lab as built, once for all tests; and no open lab after them."""

from typing import Any

import pytest

from mini_lib import withheld
from tests.labs.cells import LabNotebook
from tests.labs.lab_rules import give_parameters, notebook, reference


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    give_parameters(metafunc)


@pytest.fixture(scope="session")
def lab01() -> LabNotebook:
    return notebook("lab01")


@pytest.fixture(scope="session")
def lab04() -> LabNotebook:
    return notebook("lab04")


@pytest.fixture(scope="session")
def lab07() -> LabNotebook:
    return notebook("lab07")


@pytest.fixture
def oracle(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the oracle of the lab that a test module is about, by the module's name: test_lab04_text.py."""
    return reference(request.path.stem.split("_")[1])


@pytest.fixture(autouse=True)
def closed_labs():
    """Close what a test opened: other tests call what labs withhold."""
    yield
    withheld.begin("")


@pytest.fixture
def in_grader(monkeypatch):
    """Let `check` do as it does in nbgrader: no picture, and an error for an answer that is not right."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
