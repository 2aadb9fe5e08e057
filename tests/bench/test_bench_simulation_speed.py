"""The measurement of the simulator's speed: what it reports, on few requests. No figure of time is asserted."""

from __future__ import annotations

import pytest

from mini_lib.bench.simulation_speed import measure_simulation_speed


def test_both_speeds_are_of_the_same_simulation():
    speed = measure_simulation_speed(40, max_num_seqs=4, progress=False)
    assert speed.equal and "the same in every bit" in speed.how
    assert speed.result.num_steps > 40 and 1 < speed.mean_batch <= 4
    for one in (speed.stepped, speed.fast_forward):
        assert one.ratio * one.wall_s == pytest.approx(speed.result.summary.duration_us / 1e6)
        assert one.cpu_ratio * one.cpu_s == pytest.approx(one.ratio * one.wall_s)
    assert (speed.stepped_ratio, speed.fast_forward_ratio) == (speed.stepped.ratio, speed.fast_forward.ratio)


def test_the_load_that_is_reached_is_the_one_that_is_asked_for():
    low, high = (measure_simulation_speed(60, max_num_seqs=4, load=load, progress=False) for load in (0.3, 0.9))
    assert low.load_reached == pytest.approx(0.3, abs=0.1)
    assert low.load_reached < high.load_reached < 1
