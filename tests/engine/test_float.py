"""A decoder in floating point: at equal padded size every way to run it gives the same bits, and so the same tokens.

Another number of rows may make the CPU's matrix library choose another kernel, which rounds in another order. So all
engines here pad every batch to the same size, and the one without graphs pads too.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch

from mini_lib.compilation import CompilationMode
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine import Engine
from mini_lib.model import build_model
from tests.engine.serving import DEVICE, POLICIES

TINY = ModelConfig.tiny().with_max_model_len(64)
PROMPTS = ([5, 0, 3], [480], list(range(100, 111)), [0, 0, 0])
SIZE = 16
LIMITS = {"max_num_seqs": 4, "max_num_batched_tokens": SIZE, "max_chunk_tokens": 5, "block_size": 4}


class Padded(torch.nn.Module):
    """Calls the model on batches of exactly `SIZE` rows, whatever comes: what graphs do, without graphs."""

    def __init__(self, style):
        super().__init__()
        self.model = build_model(TINY, style=style, device=DEVICE)
        self.config = TINY

    def forward(self, input_ids, positions):
        room = SIZE - len(input_ids)
        pad = torch.nn.functional.pad
        return self.model(pad(input_ids, (0, room)), pad(positions, (0, room)))[: len(input_ids)]

    def sample(self, hidden_rows):
        return self.model.sample(hidden_rows)


BREAKABLE, FX = CompilationMode.NONE, CompilationMode.VLLM_COMPILE


def tokens(style="lean", **options):
    with Engine(TINY, style=style, capture_sizes=[SIZE], count_launches=False, **{**LIMITS, **options}) as engine:
        return engine.generate(PROMPTS, 6)


@cache
def eager(style):
    return tokens(model=Padded(style), enforce_eager=True, async_scheduling=False)


@pytest.mark.parametrize(
    ("style", "mode", "cut"),
    [
        ("naive", CUDAGraphMode.PIECEWISE, FX),
        ("naive", CUDAGraphMode.FULL, BREAKABLE),
        ("lean", CUDAGraphMode.PIECEWISE, BREAKABLE),
        ("lean", CUDAGraphMode.FULL, FX),
        ("fused", CUDAGraphMode.PIECEWISE, FX),
        ("fused", CUDAGraphMode.FULL, BREAKABLE),
    ],
)
def test_graphs_give_the_tokens_of_eager_execution_at_equal_padded_size(style, mode, cut):
    assert tokens(style, cudagraph_mode=mode, compilation_mode=cut) == eager(style)


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "inline"])
def test_every_device_gives_the_same(policy):
    assert tokens("lean", cudagraph_mode=CUDAGraphMode.FULL, stream_policy=policy) == eager("lean")


def test_the_prompts_tell_different_stories():
    told = eager("lean")
    assert len({tuple(one) for one in told}) == len(PROMPTS) and len({token for one in told for token in one}) > 8
