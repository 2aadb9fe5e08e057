"""The workloads are what they promise: the same from the same seed, and as nasty as each family should be."""

from __future__ import annotations

import math

import pytest

from mini_lib.scheduling import FAMILIES, Lengths, bursty, offline_ramp, poisson

SEEDS = range(40)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_workload_follows_from_its_seed(family):
    assert [FAMILIES[family](seed) for seed in SEEDS] == [FAMILIES[family](seed) for seed in SEEDS]
    assert len({FAMILIES[family](seed).requests for seed in SEEDS}) == len(SEEDS)
    assert {FAMILIES[family](seed).name for seed in SEEDS} == {family}


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_come_from_the_vocabulary_and_token_0_occurs(family):
    tokens = [token for seed in SEEDS for one in FAMILIES[family](seed, vocab_size=50).requests for token in one.prompt]
    assert min(tokens) == 0 and max(tokens) == 49


@pytest.mark.parametrize("family", FAMILIES)
def test_the_policy_changes_nothing_but_the_policy(family):
    mixed, other = FAMILIES[family](3), FAMILIES[family](3, policy="prefill_first")
    assert mixed.requests == other.requests
    assert (mixed.scheduler_config.policy, other.scheduler_config.policy) == ("mixed", "prefill_first")


def test_each_family_has_what_it_is_for():
    for seed in SEEDS:
        assert FAMILIES["length_skip"](seed).scheduler_config.stop_token_id is None
        assert any(one.max_new_tokens == 1 for one in FAMILIES["length_skip"](seed).requests)
        assert min(one.max_new_tokens for one in FAMILIES["gated"](seed).requests) >= 12
        chunked = FAMILIES["chunk_heavy"](seed)
        assert max(len(one.prompt) for one in chunked.requests) >= 10 * (chunked.scheduler_config.max_chunk_tokens or 0)
        short = FAMILIES["retract"](seed)
        assert short.scheduler_config.usable_blocks < short.total_blocks / 2
    arrivals = {one.arrival_us for seed in SEEDS for one in FAMILIES["random"](seed).requests}
    assert len(arrivals) > 50


def test_an_offline_ramp_finishes_one_request_after_the_other():
    ramp = offline_ramp(9, lengths=Lengths(new=(2, 10)))
    assert [one.max_new_tokens for one in ramp] == list(range(2, 11))
    assert {one.arrival_us for one in ramp} == {0.0}
    assert [one.max_new_tokens for one in offline_ramp(1, lengths=Lengths(new=(2, 10)))] == [2]
    assert offline_ramp(0) == ()


def test_poisson_arrivals_come_at_their_rate():
    arrivals = [one.arrival_us for one in poisson(2001, rate_per_s=1000.0)]
    assert arrivals[0] == 0.0 and arrivals == sorted(arrivals) and len(set(arrivals)) == 2001
    # 2000 gaps of 1000 us each on average: their sum is within 5 of its own standard deviations.
    assert math.isclose(arrivals[-1], 2e6, abs_tol=5 * 1000 * math.sqrt(2000))
    assert poisson(5, rate_per_s=1.0, seed=1) == poisson(5, rate_per_s=1.0, seed=1) != poisson(5, rate_per_s=1.0)


def test_bursts_come_in_crowds():
    arrivals = [one.arrival_us for one in bursty(7, burst_size=3, gap_us=50.0)]
    assert arrivals == [0.0, 0.0, 0.0, 50.0, 50.0, 50.0, 100.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: poisson(2, rate_per_s=0.0), "nobody ever arrives"),
        (lambda: bursty(2, burst_size=0, gap_us=1.0), "bursts of 0"),
        (lambda: bursty(2, burst_size=1, gap_us=-1.0), "every -1.0 us"),
        (lambda: Lengths(prompt=(0, 3)), "prompt lies between 0 and 3"),
        (lambda: Lengths(new=(4, 3)), "new lies between 4 and 3"),
    ],
)
def test_traffic_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
