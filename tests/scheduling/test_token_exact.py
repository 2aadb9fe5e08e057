"""Whatever the workload, the policy and the loop: every request gets the tokens that it gets alone."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_lib.scheduling import (
    FAMILIES,
    SchedulerConfig,
    Workload,
    WorkloadRequest,
    event_loop_normal,
    event_loop_overlap,
)
from tests.scheduling.runs import Run, check, run

SOAK = bool(os.environ.get("LAUNCH_BOUND_SOAK"))
NUM_SEEDS, NUM_EXAMPLES = (400, 20_000) if SOAK else (25, 300)
LOOPS = [event_loop_normal, event_loop_overlap]
POLICIES = ["mixed", "prefill_first"]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_request_gets_the_tokens_that_it_gets_alone(family, policy, loop):
    runs: list[Run] = []
    for seed in range(NUM_SEEDS):
        vocab_size = 97 if seed % 5 == 4 else 13  # larger than any number of rows, and about as small as that
        workload = FAMILIES[family](seed, vocab_size=vocab_size, policy=policy)
        runs.append(run(workload, loop, vocab_size=vocab_size))
        check(runs[-1])
    said = [new for done in runs for new in done.news]
    assert any(new.token_id == 0 for new in said)
    if family != "length_skip":
        stops = sum(new.finish_reason == "stop" for new in said)
        assert stops > 0.015 * len(said), "stop tokens must be frequent, or nobody ever overshoots"
    if family == "retract":
        assert sum(done.num_retractions > 0 for done in runs) > NUM_SEEDS / 2
    if family == "chunk_heavy":
        pieces = [not one.samples for done in runs for batch in done.device.batches for one in batch.requests]
        assert sum(pieces) > len(pieces) / 3


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_overlap_loop_launches_each_step_before_the_one_before_it_is_processed(family, policy):
    for seed in range(NUM_SEEDS):
        overlapped = run(FAMILIES[family](seed, policy=policy), event_loop_overlap).overlapped
        if family in ("gated", "chunk_heavy"):
            # A step has to wait only where all that is left is in flight, or its KV is: at the ends of requests.
            assert sum(overlapped) >= 0.7 * len(overlapped)
    assert sum(run(FAMILIES[family](1, policy=policy), event_loop_normal).overlapped) == 0


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_abort_at_any_time_ends_one_request_and_frees_once(family, policy, loop):
    for seed in range(NUM_SEEDS):
        draw = Random(seed)
        workload = FAMILIES[family](seed, policy=policy)
        numbers = range(len(workload.requests))
        aborts = {draw.randint(1, 20): draw.choice(numbers) for _ in range(3)}
        check(run(workload, loop, aborts=aborts))


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """Any workload that fits: limits from the tightest up, on requests that may arrive at any time."""
    rows, block_size = draw(st.integers(1, 4)), draw(st.sampled_from([1, 2, 5]))
    requests = draw(
        st.lists(
            st.builds(
                WorkloadRequest,
                prompt=st.lists(st.integers(0, 6), min_size=1, max_size=12).map(tuple),
                max_new_tokens=st.integers(0, 9),
                arrival_us=st.sampled_from([0.0, 0.0, 15.0, 100.0, 400.0]),
            ),
            min_size=1,
            max_size=7,
        )
    )
    most_tokens = max(len(one.prompt) + one.max_new_tokens for one in requests)
    config = SchedulerConfig(
        max_num_seqs=rows,
        max_num_batched_tokens=rows + draw(st.integers(0, 12)),
        max_chunk_tokens=draw(st.sampled_from([None, 1, 2, 7])),
        block_size=block_size,
        num_blocks=1 - (-most_tokens // block_size) + draw(st.integers(0, 6)),
        max_model_len=most_tokens,
        stop_token_id=draw(st.sampled_from([None, 0, 3])),
        policy=draw(st.sampled_from(POLICIES)),
    )
    return Workload("drawn", tuple(requests), config)


@settings(max_examples=NUM_EXAMPLES, deadline=None, database=None, derandomize=not SOAK,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(workloads(), st.sampled_from(LOOPS), st.sampled_from([7, 11, 50]),
       st.dictionaries(st.integers(1, 25), st.integers(0, 6), max_size=2))  # fmt: skip
def test_any_workload_that_fits_is_token_exact(workload, loop, vocab_size, aborts):
    there = {count: number for count, number in aborts.items() if number < len(workload.requests)}
    check(run(workload, loop, vocab_size=vocab_size, aborts=there))
