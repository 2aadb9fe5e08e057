"""What students plug in: an event loop, a map, a ladder, a dispatcher, a model. The proof is the engine's tokens."""

from __future__ import annotations

import pytest

from mini_lib import withheld
from mini_lib.dispatch import BatchDescriptor, CudagraphDispatcher, CUDAGraphMode
from mini_lib.engine import EventLoopError, FutureMap
from mini_lib.engine.tracing import TracedScheduler
from mini_lib.model import build_model
from mini_lib.scheduling.workloads import FAMILIES
from tests.engine.ring import RingFutureMap
from tests.engine.serving import (
    DEVICE,
    EXACT,
    POLICIES,
    PROMPTS,
    TickingClock,
    all_free,
    engine_for,
    oracle,
    oracle_of,
    serve,
    small_engine,
)

CHUNK_HEAVY = FAMILIES["chunk_heavy"]
SEEDS = (1, 2)
LIMITS = [9, 2, 6, 3, 9]  # so that batches of every size decode


def plain_loop(scheduler, runner):
    """A student's overlap loop that yields nothing and returns nothing."""
    before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        now = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        elif not now:
            scheduler.wait_for_arrival()
        before = now


@pytest.mark.parametrize("policy", POLICIES)
def test_an_event_loop_may_be_a_plain_function(policy):
    with small_engine(event_loop=plain_loop, stream_policy=policy) as engine:
        assert engine.generate(PROMPTS, 8) == oracle(PROMPTS, 8)
        assert [new.request_id for new in engine.stream([[4, 4], [9]], 2)].count(1) == 2
        assert all_free(engine)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_plain_loop_serves_every_family(family):
    workload = FAMILIES[family](5)
    with engine_for(workload, event_loop=plain_loop, stream_policy="lazy", enforce_eager=True) as engine:
        assert serve(engine, workload) == oracle_of(workload)


def test_a_loop_that_forgets_the_last_batch_is_told_which_requests_are_left():
    def no_flush(scheduler, runner):
        before = None
        while batch := scheduler.schedule():
            output = runner.execute_model(batch)
            if before:
                scheduler.update_from_output(before[0], before[1].wait())
            before = (batch, output)

    with small_engine(event_loop=no_flush) as engine:
        with pytest.raises(EventLoopError, match=r"requests \[0, 1\] are not finished.*processes the last batch"):
            engine.generate(PROMPTS[:2], 4)


def test_a_loop_that_fails_leaves_the_engine_usable():
    def failing(scheduler, runner):
        if len(scheduler.requests) == 3:
            runner.execute_model(scheduler.schedule())
            raise KeyError("a bug of a student")
        return plain_loop(scheduler, runner)

    with small_engine(event_loop=failing) as engine:
        with pytest.raises(KeyError, match="a bug of a student"):
            engine.generate(PROMPTS[:3], 4)
        assert engine.generate(PROMPTS, 4) == oracle(PROMPTS, 4) and all_free(engine)


@pytest.mark.parametrize("make", [RingFutureMap, lambda rows, device: RingFutureMap(rows, device)])
def test_a_ring_serves_where_no_token_waits_long(make):
    with small_engine(future_map=make) as engine:
        assert engine.generate(PROMPTS[:4], 8) == oracle(PROMPTS[:4], 8)


def test_a_map_may_be_an_object():
    with small_engine(future_map=FutureMap(4, DEVICE, debug=True)) as engine:
        assert engine.generate(PROMPTS, 8) == oracle(PROMPTS, 8)


def corrupted(future_map, seed, policy):
    workload = CHUNK_HEAVY(seed, policy=policy)
    with engine_for(workload, future_map=future_map, enforce_eager=True) as engine:
        return serve(engine, workload) != oracle_of(workload)


def test_chunks_that_go_before_decodes_corrupt_a_ring_and_never_the_pool():
    """A decode waits while many pieces of prompts go first; each takes a place of the ring, until it is lapped."""
    assert any(corrupted(RingFutureMap, seed, "prefill_first") for seed in SEEDS)
    assert not any(corrupted(None, seed, "prefill_first") for seed in SEEDS)


def test_chunks_that_ride_with_decodes_leave_a_ring_alone():
    assert not any(corrupted(RingFutureMap, seed, "mixed") for seed in SEEDS)


def test_two_chunks_and_a_waiting_decode_are_enough():
    """The shortest story: with one row more than the ring has laps to spare, the seventh place is the first again."""
    prompts, limits = ([7], [1, 2, 3, 4, 5, 6, 7, 8]), (3, 1)
    arrivals = (0.0, 30.0)
    options = {"max_num_seqs": 2, "max_num_batched_tokens": 2, "max_chunk_tokens": 1, "block_size": 4,
               "scheduling_policy": "prefill_first", "enforce_eager": True}  # fmt: skip
    answers = {}
    for new_map in (RingFutureMap, FutureMap):
        with small_engine(future_map=new_map, clock=TickingClock, **options) as engine:
            tokens = [[], []]
            for new in engine.stream(prompts, limits, arrivals_us=arrivals):
                tokens[new.request_id].append(new.token_id)
            answers[new_map] = tokens
    assert answers[FutureMap] == oracle(prompts, limits)
    assert answers[RingFutureMap] != answers[FutureMap]


class OddLadder:
    """A ladder of one's own: only odd sizes."""

    def __iter__(self):
        return iter((1, 3, 7))

    def pad(self, num_tokens):
        return next((size for size in self if size >= num_tokens), None)


def test_a_ladder_of_ones_own_says_which_sizes_get_a_graph():
    with small_engine(capture_sizes=OddLadder()) as engine:
        assert engine.generate(PROMPTS, LIMITS) == oracle(PROMPTS, LIMITS)
    padded = {step.num_padded_tokens for step in engine.stats.steps if step.mode}
    assert padded <= {1, 3, 7} and 3 in padded
    assert {cost.descriptor.num_tokens for cost in engine.capture_report.costs} == {1, 3, 7}


class OnlyDecodes(CudagraphDispatcher):
    """A dispatcher of one's own: graphs for decode batches of exactly the captured sizes, and nothing else."""

    def dispatch(self, num_tokens, uniform_decode=False, **_):
        if uniform_decode and num_tokens in self.capture_sizes:
            return super().dispatch(num_tokens, uniform_decode)
        return CUDAGraphMode.NONE, BatchDescriptor(num_tokens)


def test_a_dispatcher_of_ones_own_chooses_the_graphs():
    mine = OnlyDecodes(CUDAGraphMode.FULL_DECODE_ONLY, [2, 4], max_num_seqs=4)
    with small_engine(dispatcher=mine) as engine:
        assert engine.generate(PROMPTS, LIMITS) == oracle(PROMPTS, LIMITS)
    replayed = {step.num_tokens for step in engine.stats.steps if step.mode}
    assert replayed and replayed <= {2, 4} and engine.stats.padded_tokens == 0


def test_a_dispatcher_that_asks_for_a_graph_that_nobody_captured_is_refused():
    class Greedy(CudagraphDispatcher):
        def dispatch(self, num_tokens, uniform_decode=False, **_):
            return CUDAGraphMode.FULL, BatchDescriptor(32, 4, False)

    greedy = Greedy(CUDAGraphMode.FULL, [8], max_num_seqs=4)
    with small_engine(dispatcher=greedy, max_num_batched_tokens=64) as engine:
        with pytest.raises(RuntimeError, match="CUDA graph capturing detected at an inappropriate time"):
            engine.generate(PROMPTS[:2], 2)


def test_a_model_of_ones_own_is_served():
    other = build_model(EXACT, seed=9, device=DEVICE)
    with small_engine(model=other) as engine:
        got = engine.generate(PROMPTS, 8)
    with small_engine(model=None, seed=9) as engine:
        assert engine.generate(PROMPTS, 8) == got != oracle(PROMPTS, 8)


def test_in_lab_7_the_engine_serves_with_the_students_pieces_alone(monkeypatch):
    monkeypatch.setattr(withheld, "_open_lab", "lab07")
    with small_engine(event_loop=plain_loop, future_map=RingFutureMap) as engine:
        assert engine.generate(PROMPTS[:3], 5) == oracle(PROMPTS[:3], 5)
    with small_engine(future_map=RingFutureMap) as engine, pytest.raises(withheld.Withheld, match="event_loop_overlap"):
        engine.generate(PROMPTS[:3], 5)
    with small_engine(event_loop=plain_loop) as engine, pytest.raises(RuntimeError, match="withheld in lab 7"):
        engine.generate(PROMPTS[:3], 5)


def test_a_loop_sees_the_scheduler_that_it_knows():
    seen = []

    def looking(scheduler, runner):
        seen.append(scheduler)
        return plain_loop(scheduler, runner)

    with small_engine(event_loop=looking) as engine:
        engine.generate(PROMPTS[:1], 2)
        assert seen == [engine.scheduler] and isinstance(seen[0], TracedScheduler)
