"""The bottleneck: the thick line is the longer of two, and the ground is tinted where that is the CPU's."""

from __future__ import annotations

import pytest

from mini_lib import plots
from tests.plots.drawn import assert_readable

SIZES, CPU_US, GPU_US = [1, 2, 4, 8], [1000.0, 1000.0, 1100.0, 1100.0], [300.0, 500.0, 1000.0, 2100.0]


def lines(axes):
    return {line.get_label().partition(":")[0]: list(line.get_ydata()) for line in axes.lines}


def test_the_step_is_the_longer_of_both():
    drawn = lines(plots.bottleneck(SIZES, CPU_US, GPU_US, [250.0, 450.0, 900.0, 2000.0]).axes[0])
    assert drawn["step, eager"] == [1000.0, 1000.0, 1100.0, 2100.0]
    assert drawn["CPU"] == CPU_US and drawn["GPU"] == GPU_US
    assert drawn["step, from a graph"] == [250.0, 450.0, 900.0, 2000.0]


@pytest.mark.parametrize(("gpu_us", "ends"), [(GPU_US, (1, 4)), ([1.0] * 4, (1, 8)), ([9e3] * 4, None)])
def test_the_ground_is_tinted_where_the_cpu_is_slower(gpu_us, ends):
    axes = plots.bottleneck(SIZES, CPU_US, gpu_us).axes[0]
    xs = [x for tint in axes.collections for path in tint.get_paths() for x in path.vertices[:, 0]]
    assert ((min(xs), max(xs)) if xs else None) == ends
    written = {text.get_text().strip(): text.get_position()[0] for text in axes.texts}
    assert written.get("launch-bound") == (ends[0] if ends else None)
    assert written.get("GPU-bound") == {(1, 4): 8, (1, 8): None, None: 1}[ends]


@pytest.mark.parametrize("sizes", [SIZES, range(1, 129)])
def test_it_can_be_read(sizes):
    many = [1000.0 + 10 * size for size in sizes]
    assert_readable(plots.bottleneck(list(sizes), [1500.0] * len(many), many, many, title="A step on a device"))


def test_lists_of_different_lengths_are_refused_with_the_numbers():
    with pytest.raises(ValueError, match="4 batch sizes, 3 times of the CPU, 4 of the GPU"):
        plots.bottleneck(SIZES, CPU_US[1:], GPU_US)
    with pytest.raises(ValueError, match="two sizes or more"):
        plots.bottleneck([1], [1.0], [2.0])
