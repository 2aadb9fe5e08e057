"""What a table of planted bugs is made of: a bug, and a test of ours that must fail while it is there.

The checks are test functions of other files, called with arguments. So no property is tested twice, and a test that
cannot fail is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch

from mini_lib.graphs import device_of, recorder
from tests.graphs.conftest import World
from tests.planted.planting import Bug, planted

TWIN = World(recorder, device_of(recorder))
_passed: set[int] = set()  # ids of checks, which their modules keep


class Check(NamedTuple):
    """A test function, and the arguments to call it with; a fixture is a function that makes it anew."""

    test: Callable[..., object]
    args: tuple[object, ...] = ()
    fixture: Callable[[], object] | None = None

    def __call__(self) -> None:
        """Run the test."""
        made = (self.fixture(),) if self.fixture else ()
        self.test(*made, *self.args)


class Row(NamedTuple):
    """A bug, and the check that catches it."""

    bug: Bug
    check: Check


def row(id: str, place: tuple[str, str], old: str, new: str, check: Check) -> Row:
    """Return a row; `place` is a module of `mini_lib` and a function in it."""
    module, function = place
    return Row(Bug(id, f"mini_lib.{module}", function, old, new), check)


def require_caught(bug: Bug, check: Check) -> None:
    """Fail unless `check` passes as things are and fails while `bug` is planted. Skips where there is a GPU.

    A wrong index is an IndexError on the CPU, and on a GPU the end of CUDA for the whole process.
    """
    if torch.cuda.is_available():
        pytest.skip("bugs are planted on the CPU twin alone: a wrong index would end CUDA for all tests after it")
    if id(check) not in _passed:  # once per check: many bugs share one
        check()
        _passed.add(id(check))
    with planted(bug):
        assert fails(check), f"{bug.id}: {check.test.__name__} passes all the same"


def fails(check: Callable[[], object]) -> bool:
    """Tell whether `check` fails, in whatever way."""
    try:
        check()
    except (Exception, pytest.fail.Exception):
        return True
    return False
