"""What a user may get wrong: each time an error that says what and why, or a defined result; never a wrong token."""

from __future__ import annotations

import pytest

from mini_lib.config import ModelConfig
from mini_lib.engine import Engine
from tests.engine.serving import PROMPTS, all_free, oracle, small_engine


@pytest.fixture(scope="module")
def engine():
    with small_engine(max_model_len=64) as engine:
        yield engine


@pytest.fixture(autouse=True)
def still_serves(engine):
    """Whatever was wrong: afterwards the engine serves, and nothing is lost."""
    yield
    assert engine.generate(PROMPTS, 5) == oracle(PROMPTS, 5)
    assert all_free(engine)


BAD = [
    (([],), 3, r"prompt.*empty|empty.*prompt|no tokens|at least (1|one)"),
    (([5, 97],), 3, r"holds \[97\].*run from 0 to 96"),
    (([5, -1],), 3, r"holds \[-1\]"),
    (([1] * 62,), 3, r"64"),
    (([1] * 70,), 1, r"64"),
    (([1, 2],), -1, r"-1"),
    (([1, 2], [3]), [4, -2], r"-2"),
]


@pytest.mark.parametrize(("prompts", "limits", "says"), BAD, ids=lambda one: str(one)[:30])
def test_what_cannot_be_served_is_refused_before_anything_runs(engine, prompts, limits, says):
    with pytest.raises(ValueError, match=f"(?is){says}"):
        engine.generate([[1, 2], *prompts], limits if isinstance(limits, int) else [3, *limits])


@pytest.mark.parametrize("prompts", [[1, 2], [[1.5]], "ab", [["5"]]], ids=str)
def test_a_prompt_that_is_no_list_of_whole_numbers_is_named(engine, prompts):
    with pytest.raises(TypeError, match="is no prompt: a prompt is a list of token ids"):
        engine.generate(prompts, 3)


def test_a_mode_by_its_name_is_refused_with_the_modes_there_are():
    with pytest.raises(TypeError, match=r"cudagraph_mode is 'FULL'.*CUDAGraphMode\.FULL_AND_PIECEWISE"):
        Engine(ModelConfig.exact(), cudagraph_mode="FULL")


def test_a_limit_per_prompt_is_required(engine):
    with pytest.raises(ValueError, match="max_new_tokens has 2 values for 3 prompts"):
        engine.generate([[1], [2], [3]], [4, 4])
    with pytest.raises(ValueError, match="request_ids has 1 values for 2 prompts"):
        engine.stream([[1], [2]], 4, request_ids=[5])


def test_ids_that_are_given_twice_are_refused(engine):
    with pytest.raises(ValueError, match=r"7"):
        engine.stream([[1], [2]], 3, request_ids=[7, 7])


def test_ids_may_be_ones_own_and_may_come_back_in_the_next_run(engine):
    for _ in range(2):
        news = list(engine.stream(PROMPTS[:2], 2, request_ids=[70, 7]))
        for request_id, wanted in zip((70, 7), oracle(PROMPTS[:2], 2), strict=True):
            assert [new.token_id for new in news if new.request_id == request_id] == wanted


def test_zero_new_tokens_give_an_empty_list(engine):
    limits = [4, 0, 2]
    assert engine.generate(PROMPTS[:3], limits) == oracle(PROMPTS[:3], limits)
    assert engine.generate(PROMPTS[:2], 0) == [[], []]


def test_no_prompts_give_no_lists(engine):
    assert engine.generate([], 5) == []


def test_more_rows_than_the_usual_token_budget_raise_it():
    prompts = [[token, 3] for token in range(20)]
    with Engine(ModelConfig.exact(), max_num_seqs=300, enforce_eager=True, max_model_len=8) as wide:
        assert wide.generate(prompts, 2) == oracle(prompts, 2)
        assert wide.scheduler.config.max_num_batched_tokens == 300


def test_more_requests_than_rows_wait_for_their_turn(engine):
    prompts = [[token, 96 - token] for token in range(13)]
    assert engine.generate(prompts, 4) == oracle(prompts, 4)
    assert max(step.num_requests for step in engine.stats.steps) <= 4


def test_a_prompt_as_long_as_the_context_gets_its_one_token(engine):
    prompts = [[3] * 63, [4] * 60]
    assert engine.generate(prompts, [1, 4]) == oracle(prompts, [1, 4])


def test_a_request_that_will_never_fit_into_all_kv_blocks_is_refused():
    with small_engine(num_kv_blocks=5) as engine:
        with pytest.raises(ValueError, match=r"(?i)block"):
            engine.generate([[1] * 12], 8)
        assert engine.generate([[1] * 12], 4) == oracle([[1] * 12], 4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_num_seqs": 0}, "max_num_seqs is 0"),
        ({"block_size": 0}, "block_size is 0"),
        ({"num_kv_blocks": 1}, "block 0 belongs to padding"),
        ({"max_model_len": 1000}, "knows positions up to 256"),
        ({"max_num_seqs": 8, "max_num_batched_tokens": 4}, "max_num_batched_tokens"),
        ({"capture_sizes": [0, 4]}, "no capture size"),
        ({"scheduling_policy": "fifo"}, "fifo"),
        ({"stream_policy": "threads"}, "threads"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_limits_that_cannot_be_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        Engine(ModelConfig.exact(), **options)
