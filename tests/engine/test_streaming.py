"""Tokens one by one, requests that are aborted, runs that are left early, and an engine that is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_lib.scheduling import event_loop_overlap
from mini_lib.timing import CPU, GPU
from tests.engine.serving import POLICIES, PROMPTS, all_free, oracle, small_engine

CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")  # as Linux lists them


@pytest.fixture(params=POLICIES)
def engine(request):
    with small_engine(stream_policy=request.param) as engine:
        yield engine


def test_a_stream_gives_the_tokens_of_generate_and_one_finish_each(engine):
    news = list(engine.stream(PROMPTS, 6))
    for request_id, wanted in enumerate(oracle(PROMPTS, 6)):
        mine = [new for new in news if new.request_id == request_id]
        assert [new.token_id for new in mine] == wanted
        assert [new.finish_reason for new in mine] == [None] * 5 + ["length"]


def test_nothing_comes_after_a_stop_token():
    without = oracle(PROMPTS, 12)
    stop = without[2][5]
    with small_engine(stop_token_id=stop, stream_policy="lazy") as engine:
        news = list(engine.stream(PROMPTS, 12))
        assert all_free(engine)
    for request_id, wanted in enumerate(oracle(PROMPTS, 12, stop)):
        mine = [new for new in news if new.request_id == request_id]
        assert [new.token_id for new in mine] == wanted and len(wanted) <= 12
        assert [new.finish_reason for new in mine if new.finish_reason] == ["stop" if wanted[-1] == stop else "length"]
    computed = sum(step.num_tokens for step in engine.stats.steps)
    needed = sum(map(len, PROMPTS)) + sum(len(tokens) - 1 for tokens in oracle(PROMPTS, 12, stop))
    assert needed < computed <= needed + len(PROMPTS)  # a stop is seen one step late, at most once per request


def test_the_first_token_comes_before_the_last_is_computed(engine):
    stream = engine.stream([[1, 2]], 9)
    next(stream)
    assert len(engine.scheduler.requests[0].output_token_ids) == 1
    assert len(list(stream)) == 8


def test_an_aborted_request_gives_everything_back_once_and_no_token_more(engine):
    seen = []
    stream = engine.stream(PROMPTS[:4], 9)
    for new in stream:
        seen.append(new)
        if len(seen) == 6:
            engine.abort(0)  # its next token is in flight
            engine.abort(0)
    assert all_free(engine)
    tokens = {number: [new.token_id for new in seen if new.request_id == number] for number in range(4)}
    full = oracle(PROMPTS[:4], 9)
    assert [tokens[number] for number in (1, 2, 3)] == full[1:]
    assert tokens[0] == full[0][: len(tokens[0])] and len(tokens[0]) < 9
    assert engine.generate(PROMPTS, 4) == oracle(PROMPTS, 4)


def test_aborting_all_ends_the_stream(engine):
    seen = []
    for new in engine.stream(PROMPTS[:3], 9):
        seen.append(new)
        for number in range(3):
            engine.abort(number)
    assert len(seen) == 1 and all_free(engine)


def test_a_request_that_is_aborted_between_two_tokens_of_one_step_gets_none_of_them(engine):
    seen = []
    for new in engine.stream(PROMPTS[:3], 5):
        seen.append(new.request_id)
        if new.request_id == 0:
            engine.abort(1)
    assert 1 not in seen and (seen.count(0), seen.count(2)) == (5, 5)


def test_a_stream_that_is_left_early_leaves_nothing_behind(engine):
    for _ in range(2):
        stream = engine.stream(PROMPTS, 9)
        next(stream)
        stream.close()
    assert engine.generate(PROMPTS, 5) == oracle(PROMPTS, 5) and all_free(engine)


def test_two_runs_at_once_are_refused(engine):
    stream = engine.stream(PROMPTS[:2], 5)
    next(stream)
    with pytest.raises(RuntimeError, match="A run is under way"):
        engine.generate([[1]], 1)
    assert len(list(stream)) == 9


def test_two_streams_that_were_made_at_once_run_one_after_the_other(engine):
    first, second = engine.stream([[5, 0, 3]], 4), engine.stream([[8]], 4)
    next(first)
    with pytest.raises(RuntimeError, match="A run is under way"):
        next(second)
    assert len(list(first)) == 3


def test_an_engine_generates_as_often_as_one_likes(engine):
    for limit in (3, 1, 7):
        assert engine.generate(PROMPTS, limit) == oracle(PROMPTS, limit)
        assert engine.generate(PROMPTS[::-1], limit) == oracle(PROMPTS[::-1], limit)
    assert engine.stats.steps[0].step == 0, "stats are those of the last run"


def test_a_closed_engine_says_so_and_can_be_closed_again(engine):
    engine.generate(PROMPTS[:1], 2)
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="This engine is closed"):
        engine.generate(PROMPTS[:1], 2)
    assert engine.stats.steps and engine.timeline.lanes, "what is on record stays readable"


def test_closing_in_the_middle_of_a_stream_does_no_harm(engine):
    stream = engine.stream(PROMPTS, 9)
    next(stream)
    engine.close()
    stream.close()


def test_an_engine_that_has_not_run_has_nothing_on_record():
    with small_engine(enforce_eager=True) as engine, pytest.raises(RuntimeError, match="has not run yet"):
        engine.timeline  # noqa: B018 - reading it is what is refused


@pytest.mark.skipif("process" not in POLICIES or not CHILDREN.exists(), reason="no worker is forked here, or unseen")
def test_the_worker_is_forked_at_the_first_run_and_gone_after_close():
    pids = set()

    def asking(scheduler, runner):
        pids.update(children())
        return event_loop_overlap(scheduler, runner)

    before = children()
    with small_engine(stream_policy="process", event_loop=asking) as engine:
        assert children() == before, "captured, and not forked yet"
        engine.generate(PROMPTS[:2], 2)
        engine.generate(PROMPTS[:2], 2)
        assert len(pids - before) == 1
    assert children() == before


def children() -> set[str]:
    """Return the processes that this one has started and not buried."""
    return set(CHILDREN.read_text().split())


def test_the_timeline_has_a_lane_each_and_every_step_on_both(engine):
    engine.generate(PROMPTS, 5)
    timeline, steps = engine.timeline, [step.step for step in engine.stats.steps]
    cpu, gpu = ([span.name for span in timeline.lane(lane)] for lane in (CPU, GPU))
    for step in steps:
        assert {f"launch {step}", f"wait {step}", f"process {step}"} <= set(cpu)
        assert {f"copy in {step}", f"step {step}"} <= set(gpu)
    assert timeline.lane(CPU)[0].start_us == 0 and min(span.start_us for span in timeline.lane(GPU)) > 0
    assert len([name for name in gpu if name.startswith("step")]) == len(steps), "only this run's"
