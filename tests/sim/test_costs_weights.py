"""How many bytes and kernels a step has, against the weights of real models and the figures that others publish."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mini_lib.config import ModelConfig
from mini_lib.model import build_model
from mini_lib.sim.costs import bytes_read_per_step, step_kernels, weight_bytes
from mini_lib.sim.kernel_cost import StepShape

QWEN, LLAMA_1B, LLAMA_8B = ModelConfig.qwen3_0_6b(), ModelConfig.llama_3_2_1b(), ModelConfig.llama_3_8b()
TINY, EXACT = ModelConfig.tiny(), ModelConfig.exact()
ONE = StepShape.decode(1, 1024)


@pytest.mark.parametrize(("config", "gigabytes"), [(QWEN, 1.192), (LLAMA_1B, 2.472), (LLAMA_8B, 15.010)], ids=str)
def test_a_decode_step_reads_as_many_gigabytes_of_weights_as_published(config, gigabytes):
    assert round(weight_bytes(config) / 1e9, 3) == gigabytes


@pytest.mark.parametrize(("config", "megabytes"), [(QWEN, 117), (LLAMA_1B, 34), (LLAMA_8B, 134)], ids=str)
def test_a_thousand_tokens_of_context_add_as_many_megabytes_of_kv_as_published(config, megabytes):
    without = bytes_read_per_step(config, StepShape.decode(1, 0))
    assert round((bytes_read_per_step(config, ONE) - without) / 1e6) == megabytes
    assert without == weight_bytes(config) + 2 * config.hidden_size


@pytest.mark.parametrize("config", [TINY, replace(TINY, tie_embeddings=False, qk_norm=True), QWEN, LLAMA_8B, EXACT])
def test_the_weights_read_are_those_of_the_model_less_a_table_that_is_only_looked_up(config):
    model = build_model(config, device="meta")
    all_bytes = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    itemsize = model.embedding.element_size()
    table = 0 if config.tie_embeddings else model.embedding.numel() * itemsize
    assert weight_bytes(config, itemsize) == all_bytes - table


@pytest.mark.parametrize("style", ["naive", "lean", "fused"])
@pytest.mark.parametrize("config", [TINY, QWEN, LLAMA_8B], ids=lambda config: config.name)
def test_the_products_of_a_step_with_one_token_use_each_weight_of_each_matrix_once(config, style):
    step = step_kernels(config, style, ONE)
    products = [kernel for kernel in (*step.forward, *step.after) if kernel.name == "aten.mm"]
    matrices = [weight.numel() for name, weight in build_model(config, device="meta").named_parameters()
                if weight.dim() == 2 and (config.tie_embeddings or name != "embedding")]  # fmt: skip
    assert sum(kernel.flops for kernel in products) == 2 * sum(matrices)


# Kernels of a decode step as counted on decoders like ours, by style, and how many of them are outside the layers.
PUBLISHED = {QWEN: (1614, 739, 375), LLAMA_1B: (674, 395, 187), LLAMA_8B: (1330, 779, 363)}
OUTSIDE = (18, 11, 11)
# They write keys and values by a kernel each, except in the fused style, whose RoPE is a kernel before that one. Their
# lean style turns queries and keys one after the other, in five kernels each where ours takes three for both.
MORE_PER_LAYER = (1, 8, 1)


@pytest.mark.parametrize("config", PUBLISHED, ids=lambda config: config.name)
def test_a_layer_has_as_many_kernels_as_published_but_for_the_differences_that_are_known(config):
    for place, style in enumerate(("naive", "lean", "fused")):
        layers, rest = divmod(PUBLISHED[config][place] - OUTSIDE[place], config.num_layers)
        assert rest == 0
        joined = 1 if style == "lean" and config.qk_norm else 0  # ours puts normed queries and keys side by side again
        one, two = (len(step_kernels(replace(config, num_layers=layers), style, ONE).forward) for layers in (1, 2))
        assert two - one == layers - MORE_PER_LAYER[place] + joined
