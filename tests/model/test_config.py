"""Shapes: they are those of the published models, and a nonsensical one is refused with a sentence."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from mini_lib.config import ModelConfig
from mini_lib.model import build_model

PRESETS = {
    "tiny": (ModelConfig.tiny(), 106_816),
    "gpt2": (ModelConfig.gpt2(), 123_551_232),  # GPT-2 itself: 124,439,808, with biases and learned positions
    "qwen3": (ModelConfig.qwen3_0_6b(), 596_049_920),  # as published, head tied
    "llama_1b": (ModelConfig.llama_3_2_1b(), 1_235_814_400),  # as published, head tied
    "llama_8b": (ModelConfig.llama_3_8b(), 8_030_261_248),  # as published
    "exact": (ModelConfig.exact(), 220),
}
every_preset = pytest.mark.parametrize(("config", "published"), PRESETS.values(), ids=PRESETS)


@every_preset
def test_a_preset_has_as_many_weights_as_its_model(config, published):
    assert config.num_parameters == published


@every_preset
@pytest.mark.parametrize("style", ["naive", "lean", "fused"])
def test_a_built_model_has_the_weights_that_its_config_counts_and_counting_takes_no_memory(config, published, style):
    weights = list(build_model(config, style=style, device="meta").parameters())
    assert sum(weight.numel() for weight in weights) == published
    assert all(weight.is_meta and not weight.requires_grad for weight in weights)


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("tie_embeddings", [False, True])
def test_the_count_follows_the_options(qk_norm, tie_embeddings):
    config = replace(ModelConfig.tiny(), qk_norm=qk_norm, tie_embeddings=tie_embeddings, num_layers=3)
    assert config.num_parameters == sum(weight.numel() for weight in build_model(config).parameters())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"num_layers": -1}, "num_layers is -1"),
        ({"num_kv_heads": 3}, "4 query heads cannot share 3 KV heads"),
        ({"head_dim": 15}, "RoPE turns pairs"),
        ({"rms_eps": 0.0}, "rms_eps 0.0"),
        ({"family": "gpt"}, "no family 'gpt'"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(ModelConfig.tiny(), **change)


def test_a_config_is_a_value():
    config = ModelConfig.tiny()
    assert config == ModelConfig.tiny() and hash(config) == hash(ModelConfig.tiny())
    assert config.with_max_model_len(77) == replace(config, max_model_len=77)
    with pytest.raises(FrozenInstanceError):
        config.vocab_size = 3


def test_the_dtype_follows_the_device_and_the_exact_model_takes_integers_alone():
    assert next(build_model(ModelConfig.tiny()).parameters()).dtype == torch.float32
    assert next(build_model(ModelConfig.tiny(), dtype=torch.float16).parameters()).dtype == torch.float16
    assert next(build_model(ModelConfig.exact()).parameters()).dtype == torch.int64
    with pytest.raises(ValueError, match="int64"):
        build_model(ModelConfig.exact(), dtype=torch.float32)
    with pytest.raises(ValueError, match="no style 'fast'"):
        build_model(ModelConfig.tiny(), style="fast")
