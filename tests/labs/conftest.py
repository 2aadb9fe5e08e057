"""The lab as built, once for all tests; and no open lab after them."""

import pytest

from mini_lib import withheld
from tests.labs.cells import LabNotebook


@pytest.fixture(scope="session")
def lab04() -> LabNotebook:
    return LabNotebook("lab04")


@pytest.fixture(scope="session")
def lab07() -> LabNotebook:
    return LabNotebook("lab07")


@pytest.fixture(autouse=True)
def closed_labs():
    """Close what a test opened: other tests call what labs withhold."""
    yield
    withheld.begin("")


@pytest.fixture
def in_grader(monkeypatch):
    """Let `check` do as it does in nbgrader: no picture, and an error for an answer that is not right."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
