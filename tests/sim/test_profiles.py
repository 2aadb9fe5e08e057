"""Profiles: every constant says where it is from, and none is out of proportion."""

from __future__ import annotations

from dataclasses import fields

import pytest

from mini_lib.sim import PROFILES, DeviceProfile, KernelCost
from mini_lib.sim.kernel_time import GrowingKernel, kernel_us


@pytest.mark.parametrize("name", PROFILES)
def test_every_constant_of_a_profile_names_its_source_or_says_assumed(name):
    profile = PROFILES[name]
    for field in fields(DeviceProfile):
        if field.name not in ("name", "sources"):
            source = profile.source_of(field.name)
            assert "assumed" in source or "(" in source or "measured on" in source, f"{field.name}: {source!r}"
    assert profile.launch.source == profile.source_of("launch")


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "generic host"])
def test_each_launch_constant_of_a_real_device_is_accounted_for(name):
    source = PROFILES[name].launch.source
    for field in fields(PROFILES[name].launch):
        assert field.name == "source" or field.name in source


def test_newer_devices_are_faster_and_no_constant_beats_the_data_sheet():
    copies = [PROFILES[name].copy_gb_per_s for name in ("H200", "H100", "A100", "L4", "T4")]
    assert copies == sorted(copies, reverse=True)
    sheet = {"H200": (4800, 989), "H100": (3350, 989), "A100": (2039, 312), "L4": (300, 121), "T4": (320, 65)}
    for name, (copy_gb_per_s, tflops) in sheet.items():
        assert 0.75 <= PROFILES[name].copy_gb_per_s / copy_gb_per_s <= 0.95
        assert 0.45 <= PROFILES[name].tflops / tflops <= 0.85


@pytest.mark.parametrize("name", PROFILES)
def test_a_graph_launches_faster_than_kernels_one_by_one_and_leaves_smaller_gaps(name):
    launch = PROFILES[name].launch
    assert launch.graph_node_us * 1000 < launch.launch_us
    assert launch.graph_launch_us < launch.launch_us
    assert launch.graph_gap_us < launch.gap_us < launch.launch_us


def test_a_profile_of_the_h200_copies_and_multiplies_at_the_rates_it_names():
    h200 = PROFILES["H200"]
    assert kernel_us(KernelCost("copy", 0, 4_300_000_000), h200) == pytest.approx(1000 + h200.kernel_us)
    assert kernel_us(KernelCost("aten.mm", 790_000_000_000, 0), h200) == pytest.approx(1000 + h200.kernel_us)


def test_where_memory_and_arithmetic_take_equally_long_a_kernel_takes_longer_than_either_and_less_than_both():
    h200 = PROFILES["H200"].with_values(kernel_us=0.0)
    at_ridge = kernel_us(KernelCost("aten.mm", 790_000_000, 4_300_000), h200)
    assert 1.0 < at_ridge < 2.0
    assert at_ridge == pytest.approx(2**0.5)


def test_a_growing_kernel_takes_what_its_cost_says_at_every_size():
    l4 = PROFILES["L4"]
    costs = [KernelCost("attention", 70 * n, 500 + 3000 * n) for n in (0, 1, 7, 12345)]
    growing = GrowingKernel.between(costs[0], costs[1], l4)
    for cost, n in zip(costs, (0, 1, 7, 12345), strict=True):
        assert growing.us(n, n) == pytest.approx(kernel_us(cost, l4))


def test_a_profile_refuses_what_is_no_time_and_no_rate():
    with pytest.raises(ValueError, match="own_op_us is -1"):
        PROFILES["T4"].with_values(own_op_us=-1.0)
    with pytest.raises(ValueError, match="tflops is 0"):
        PROFILES["T4"].with_values(tflops=0.0)
