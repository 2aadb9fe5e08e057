"""Clocks never go backwards, and waiting ends when it should."""

from __future__ import annotations

import time

import pytest

from mini_lib.timing import VirtualClock, WallClock


def test_virtual_time_moves_when_it_is_told_to():
    clock = VirtualClock()
    assert clock.now_us() == 0.0
    clock.advance_us(3.0)
    clock.wait_until_us(10.0)
    clock.wait_until_us(5.0)
    assert clock.now_us() == 10.0


def test_a_virtual_wait_ends_exactly_where_it_was_told_to():
    clock = VirtualClock()
    for until_us in (0.1, 0.1 + 0.2, 1e9 / 3, 1e15 / 7):
        clock.wait_until_us(until_us)
        assert clock.now_us() == until_us


@pytest.mark.parametrize("us", [-1.0, float("nan"), float("inf")])
def test_time_that_cannot_pass_is_refused(us):
    clock = VirtualClock()
    with pytest.raises(ValueError, match="cannot pass"):
        clock.advance_us(us)
    assert clock.now_us() == 0.0


def test_a_wall_clock_sleeps_until_the_time_is_reached(monkeypatch):
    now_ns, slept = [0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now_ns[0] += int(seconds * 0.9e9) + 1000  # wakes a little early, as coarse clocks do

    monkeypatch.setattr(time, "perf_counter_ns", lambda: now_ns[0])
    monkeypatch.setattr(time, "sleep", sleep)
    clock = WallClock()
    clock.wait_until_us(500.0)
    assert clock.now_us() >= 500.0 and len(slept) > 1
    clock.wait_until_us(100.0)
    assert clock.now_us() < 600.0
