"""The oracle: its own limits, and that it is no other text's tokens that it gives."""

import pytest

from mini_lib.config import ModelConfig
from mini_lib.model import build_model, eager_decode

CONFIG = ModelConfig.exact()


@pytest.fixture
def model(device):
    return build_model(CONFIG, device=device)


def test_each_request_gets_its_own_number_of_tokens_and_knows_nothing_of_the_others(model):
    prompts = [[3, 1], [4], [1, 5, 9, 2, 6]]
    together = eager_decode(model, CONFIG, prompts, [4, 0, 7])
    assert [len(tokens) for tokens in together] == [4, 0, 7]
    assert together == [eager_decode(model, CONFIG, [prompt], limit)[0]
                        for prompt, limit in zip(prompts, [4, 0, 7], strict=True)]  # fmt: skip


def test_tokens_that_were_decoded_could_as_well_have_been_prompt(model):
    prompt = [3, 1, 4]
    tokens = eager_decode(model, CONFIG, [prompt], 10)[0]
    for done in range(10):
        assert eager_decode(model, CONFIG, [prompt + tokens[:done]], 10 - done)[0] == tokens[done:]


def test_a_stop_token_is_the_last_one(model):
    tokens = eager_decode(model, CONFIG, [[8]], 30)[0]
    place = next(index for index in range(5, 30) if tokens[index] not in tokens[:index])
    assert eager_decode(model, CONFIG, [[8]], 30, stop_token_id=tokens[place])[0] == tokens[: place + 1]


def test_token_zero_and_every_other_token_occur(device):
    config = ModelConfig.exact(vocab_size=7)
    tokens = eager_decode(build_model(config, device=device), config, [[0], [1], [2]], 60)
    assert {token for one in tokens for token in one} == set(range(7))


@pytest.mark.parametrize(("prompt", "limit"), [([], 3), ([1] * 250, 7)])
def test_a_request_that_cannot_be_decoded_is_refused(model, prompt, limit):
    with pytest.raises(ValueError, match=f"a prompt of {len(prompt)} tokens with {limit} new ones"):
        eager_decode(model, CONFIG, [prompt], limit)


def test_a_request_may_fill_the_context_to_its_end(model):
    assert len(eager_decode(model, CONFIG, [[1] * 250], 6)[0]) == 6


def test_a_symbolic_token_that_nobody_resolved_is_no_token():
    # On the CPU alone: on a GPU it is a device-side assert, after which the process can use the GPU no more.
    with pytest.raises(IndexError):
        eager_decode(build_model(CONFIG), CONFIG, [[4, -1]], 1)
