"""A planted bug is there for the length of a `with`, under decorators too, and a stale one is refused."""

import pytest

from mini_lib.dispatch import CaptureSizes, padding_waste
from mini_lib.dispatch.modes import CUDAGraphMode
from tests.planted.planting import Bug, planted

ROUNDS_DOWN = Bug(
    "pad", "mini_lib.dispatch.capture_sizes", "CaptureSizes.pad", "self.sizes[place] if", "self.sizes[place - 1] if"
)


def test_a_planted_bug_reaches_whoever_imported_the_function_and_goes_again():
    with planted(ROUNDS_DOWN):
        assert CaptureSizes([1, 2, 4, 8]).pad(5) == 4
        assert padding_waste([1, 2, 4, 8], {5: 1}) == pytest.approx(-0.25)
    assert CaptureSizes([1, 2, 4, 8]).pad(5) == 8


def test_a_bug_whose_place_is_gone_is_refused():
    with pytest.raises(ValueError, match="occurs 0 times"), planted(ROUNDS_DOWN._replace(old="not there")):
        pass


def test_a_bug_is_planted_in_a_plain_method_of_an_enum():
    bug = Bug("mode", "mini_lib.dispatch.modes", "CUDAGraphMode.mixed_mode", "self.value[1]", "self.value[0]")
    with planted(bug):
        assert CUDAGraphMode.FULL_AND_PIECEWISE.mixed_mode() is CUDAGraphMode.FULL
    assert CUDAGraphMode.FULL_AND_PIECEWISE.mixed_mode() is CUDAGraphMode.PIECEWISE
