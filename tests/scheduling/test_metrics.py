"""The figures of a run, checked against runs that are small enough to compute by hand."""

from __future__ import annotations

import math

import pytest

from mini_lib.scheduling import Spread, summarize


def test_each_figure_of_a_run_of_two_requests():
    tokens = [(0, 110.0), (1, 115.0), (0, 130.0), (1, 135.0), (0, 190.0)]
    summary = summarize({0: 100.0, 1: 105.0}, tokens)
    assert (summary.num_requests, summary.num_tokens, summary.duration_us) == (2, 5, 90.0)
    assert summary.ttft_us == Spread(mean=10.0, p50=10.0, p99=10.0, max=10.0)
    assert summary.tpot_us == Spread(mean=30.0, p50=20.0, p99=40.0, max=40.0)
    assert summary.itl_us == Spread(mean=100 / 3, p50=20.0, p99=60.0, max=60.0)
    assert summary.tokens_per_s == pytest.approx(5 / 90e-6)


def test_a_request_of_one_token_has_no_time_per_token():
    summary = summarize({0: 0.0, 1: 0.0}, [(0, 10.0), (1, 10.0), (1, 14.0)])
    assert summary.tpot_us.mean == 4.0
    assert all(map(math.isnan, summarize({0: 0.0}, [(0, 10.0)]).tpot_us))


def test_requests_without_a_token_are_left_out_and_a_run_without_any_is_empty():
    assert summarize({0: 0.0, 1: 50.0}, [(1, 60.0)]).duration_us == 10.0
    empty = summarize({0: 0.0}, [])
    assert (empty.num_requests, empty.num_tokens, empty.duration_us, empty.tokens_per_s) == (0, 0, 0.0, 0.0)
    assert all(map(math.isnan, empty.ttft_us))


def test_percentiles_are_values_that_occurred():
    assert Spread.of(range(100, 0, -1)) == Spread(mean=50.5, p50=50, p99=99, max=100)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([(3, 1.0)], "request 3, which never arrived"), ([(0, 9.0)], "before 10.0 us"),
     ([(0, 12.0), (0, 11.0)], "before 12.0 us")],
)  # fmt: skip
def test_times_that_cannot_be_are_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        summarize({0: 10.0}, tokens)
