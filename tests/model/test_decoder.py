"""The decoder: three ways to write one function, the same weights everywhere, and a step that can be captured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mini_lib.config import ModelConfig
from mini_lib.dispatch.forward_context import set_forward_context
from mini_lib.graphs import recorder
from mini_lib.model import build_model, eager_decode
from mini_lib.model.decoder import rotation_table
from tests.model.paged import Chunk, Paged

STYLES = ("naive", "lean", "fused")
TINY = ModelConfig.tiny()
QWEN = replace(TINY, name="tiny with qk_norm", qk_norm=True, tie_embeddings=False, num_layers=3)
EXACT = ModelConfig.exact()
PROMPTS = {1: [0, 7, 511, 3, 3, 80, 0, 12, 5], 2: [450, 2], 4: [9, 9, 9, 31, 0, 77]}
CHUNKS = [Chunk(row, 0, prompt) for row, prompt in PROMPTS.items()]
EMBEDDING = [0.018585363402962685, 0.018300730735063553, -0.017695408314466476]
DOWN = [-0.11832619458436966, -0.027200819924473763, -0.07274268567562103]
# Float32 rounds at 6e-8; hidden states are of size one and pass through a few hundred roundings per layer.
ROUNDING = 2e-5


def hidden_of(config, style, device, seed=0, dtype=torch.float32, **options):
    model = build_model(config, style=style, seed=seed, device=device, dtype=dtype)
    return Paged(config, device, dtype).run(model, CHUNKS, **options)


@pytest.mark.parametrize("config", [TINY, QWEN], ids=["llama", "qwen3"])
def test_the_three_styles_are_one_function(config, device):
    naive, lean, fused = (hidden_of(config, style, device) for style in STYLES)
    assert naive.std() > 0.5
    torch.testing.assert_close(lean, naive, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(fused, naive, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("config", [TINY, QWEN], ids=["llama", "qwen3"])
def test_the_three_styles_choose_the_same_tokens_where_the_margin_is_wider_than_the_rounding(config, device):
    naive = build_model(config, style="naive", device=device, dtype=torch.float32)
    logits = naive.compute_logits(hidden_of(config, "naive", device))
    best, second = logits.topk(2, dim=-1).values.unbind(-1)
    # A logit adds 64 products of a hidden state with an embedding of size 0.02: it rounds less than a hidden state.
    clear = best - second > 2 * ROUNDING
    assert clear.sum() >= 15
    for style in STYLES:
        model = build_model(config, style=style, device=device, dtype=torch.float32)
        tokens = model.sample(hidden_of(config, style, device))
        assert torch.equal(tokens[clear], logits.argmax(-1)[clear])


def test_rope_turns_pair_i_at_position_p_by_p_over_theta_to_the_two_i_over_head_dim():
    config = replace(TINY, rope_theta=500.0)
    table = rotation_table(config)
    for position in (0, 1, 77, 255):
        for pair in range(8):
            angle = position / 500.0 ** (2 * pair / 16)
            wanted = (math.cos(angle), math.sin(angle))
            # float32 keeps a cosine to 6e-8
            assert (table[position, pair].item(), table[position, 8 + pair].item()) == pytest.approx(wanted, abs=1e-7)


def test_sixteen_bits_stay_close_to_thirty_two(device):
    wanted = hidden_of(TINY, "naive", device)
    for style in STYLES:
        # bfloat16 has 8 bits: each rounding is up to 1/256 of a number of size one to three, and they add up.
        torch.testing.assert_close(
            hidden_of(TINY, style, device, dtype=torch.bfloat16).float(), wanted, rtol=0, atol=0.15
        )


def test_a_seed_says_all_weights_whatever_else_is_drawn_and_in_every_style(device):
    torch.manual_seed(1)
    first = {name: weight.clone() for name, weight in build_model(TINY, device=device).named_parameters()}
    torch.manual_seed(2)
    torch.rand(3)
    again = dict(build_model(TINY, style="fused", device=device).named_parameters())
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    naive = dict(build_model(TINY, style="naive", device=device).named_parameters())
    parts = [naive[f"layers.1.{part}"] for part in "qkv"]
    assert torch.equal(torch.cat(parts), first["layers.1.qkv"])
    other = dict(build_model(TINY, seed=1, device=device).named_parameters())
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_weights_are_the_same_on_every_machine():
    # Uniform numbers come from random bits by one exact multiplication, so no last bit may differ.
    model = build_model(TINY)
    assert model.embedding[0, :3].tolist() == EMBEDDING
    assert model.layers[1].down[63, 125:].tolist() == DOWN


def test_building_a_model_leaves_torchs_random_state_alone(device):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    build_model(TINY, device=device)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("style", STYLES)
def test_padded_rows_and_a_null_block_full_of_nan_change_no_live_row(style, device):
    # At equal padded size, since another size may pick another BLAS kernel: once with other padding, once with NaN.
    model = build_model(TINY, style=style, device=device, dtype=torch.float32)
    results = []
    for poison in (0.0, float("nan")):
        paged = Paged(TINY, device, torch.float32)
        for cache in paged.kv_caches:
            cache[:, 0].fill_(poison)
        results.append(paged.run(model, CHUNKS, num_padded=24)[:17])
    assert torch.equal(*results) and results[0].isfinite().all()


@pytest.mark.parametrize("style", STYLES)
def test_looking_as_far_as_a_full_graph_does_changes_no_bit(style, device):
    near, far = (hidden_of(TINY, style, device, max_seq_len=length) for length in (9, 64))
    assert torch.equal(near, far)


def test_chunks_and_decodes_through_pages_give_the_tokens_of_the_oracle(device):
    model = build_model(TINY, device=device, dtype=torch.float32)
    wanted = eager_decode(model, TINY, list(PROMPTS.values()), 6)
    paged = Paged(TINY, device, torch.float32)
    texts = {row: list(prompt) for row, prompt in PROMPTS.items()}
    done = dict.fromkeys(PROMPTS, 0)
    for _ in range(6):
        chunks = [Chunk(row, done[row], text[done[row] :]) for row, text in texts.items()]
        ends = torch.tensor([len(one.tokens) for one in chunks]).cumsum(0).to(device) - 1
        tokens = model.sample(paged.run(model, chunks)[ends]).tolist()
        for (row, text), token in zip(texts.items(), tokens, strict=True):
            done[row] = len(text)
            text.append(token)
    assert [text[len(PROMPTS[row]) :] for row, text in texts.items()] == wanted


class Step:
    """A decode step over static inputs: rows 1, 2 and 4 and one padded row."""

    def __init__(self, config, style, device):
        self.dtype = torch.int64 if config.family == "exact" else torch.float32
        self.config, self.device = config, device
        self.model = build_model(config, style=style, device=device, dtype=self.dtype)
        self.paged = Paged(config, device, self.dtype)
        self.hidden = self.paged.run(self.model, [Chunk(row, 0, [t % 97 for t in p]) for row, p in PROMPTS.items()])
        self.static = self.paged.inputs([Chunk(row, 0, [0]) for row in PROMPTS], num_padded=4)

    def fill(self, index):
        chunks = [Chunk(row, len(p) + index, [(40 * row + index) % 97]) for row, p in PROMPTS.items()]
        for name, values in self.paged.inputs(chunks, num_padded=4).items():
            self.static[name].copy_(values)

    def __call__(self):
        metadata = self.paged.metadata(self.static["token_rows"], self.static["slot_mapping"])
        with set_forward_context(attn_metadata=metadata):
            hidden = self.model(self.static["input_ids"], self.static["positions"])
            return hidden, self.model.sample(hidden)


def captured(step, device_module):
    side = device_module.Stream()
    side.wait_stream(device_module.current_stream())
    with device_module.stream(side):
        step()
    device_module.current_stream().wait_stream(side)
    graph = device_module.CUDAGraph()
    with device_module.graph(graph):
        outputs = step()
    return graph, outputs


@pytest.mark.parametrize(
    ("config", "style"), [*((TINY, style) for style in STYLES), (QWEN, "fused"), (EXACT, "lean")], ids=str
)
def test_a_captured_decode_step_is_the_eager_one_bit_for_bit(config, style, device_module, device):
    eager, replayed = Step(config, style, device), Step(config, style, device)
    replayed.fill(0)  # the warm-up writes KV of step 0, as step 0 itself will
    graph, outputs = captured(replayed, device_module)
    for index in range(5):
        eager.fill(index)
        replayed.fill(index)
        wanted = eager()
        graph.replay()
        for got, value in zip(outputs, wanted, strict=True):
            assert torch.equal(got[:3], value[:3])
        for got, value in zip(replayed.paged.kv_caches, eager.paged.kv_caches, strict=True):
            assert torch.equal(got[:, 1:].nan_to_num(0.5), value[:, 1:].nan_to_num(0.5))


def nodes_of(style) -> tuple[str, ...]:
    return captured(Step(TINY, style, torch.device("cpu")), recorder)[0].nodes


def test_a_fused_layer_is_nine_kernels():
    product, norm = "aten.mm", "mini_lib.fused_add_rms_norm"
    attention = [product, "mini_lib.rope_and_kv_write", "mini_lib.paged_attention", product]
    layer = [*attention, norm, product, "mini_lib.silu_and_mul", product, norm]
    assert list(nodes_of("fused")) == [
        *("aten.embedding", "mini_lib.rms_norm"), *layer, *layer, *(product, "mini_lib.sample")
    ]  # fmt: skip


def test_a_lean_step_takes_fewer_kernels_than_a_naive_one_and_a_fused_step_the_fewest():
    # 82, 63 and 22 with torch 2.13, whose norm is six ops on a CPU; another version may have another norm.
    naive, lean, fused = (nodes_of(style) for style in STYLES)
    assert (len(naive), len(fused)) == (82, 22)
    assert len(fused) < len(lean) < len(naive)
    for nodes in (naive, lean, fused):
        writes = nodes.count("mini_lib.kv_write") + nodes.count("mini_lib.rope_and_kv_write")
        assert writes == nodes.count("mini_lib.paged_attention") == TINY.num_layers
