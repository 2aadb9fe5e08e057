"""What is recorded, in order of importance, and how long it should take.

Estimates for an H200, before anybody has run it there; limits and launch times are those of the published anchors.

launch, about 70 s. Copies and products: 210 x (2 + 1.5 ms) = 1 s. Chains: eager 210 x 5,461 launches x 5 us = 6 s,
    three times: queued, isolated, and by the host's clock. Pieces: 8B, 7 cuts x 210 x 4 ms = 6 s, Qwen3-0.6B 2 s.
    Captures: 4 times 35 sizes x 2 passes of 375 launches x 10 us = 1 s each, with instantiation (1.4 us a node) and
    garbage 20 s in all. Paid: 2 styles x 4 sizes x 420 calls x 5 ms = 17 s. Weights of 8B: 2 s.
step, about 480 s, so two runs. 210 calls a point. An 8B step takes 3.8 to 14 ms, 6 on average: 9 batches x 12
    contestants x 210 x 6 ms = 136 s. Qwen3-0.6B: eager 13 (naive, 1614 launches x 8 us), 6, 3 and 3 ms, graphs 1.5 ms:
    9 x 210 x (25 + 8 x 1.5) ms = 70 s. Llama-3.2-1B 50 s, GPT-2 40 s, tiny 10 s. Inductor: L + 1 pieces at 0.7 s and
    15 s for the first: 35 + 38 + 27 + 24 + 17 = 141 s. Captures 25 s.
serve, about 70 s. Overlap: 11 shares x 2 loops x 3 rounds x 72 steps x 6 ms = 29 s, weights and captures 10 s.
    Generation: 5 rounds x 40 x (100 + 40 + 12 ms) = 30 s.

Where Triton is missing, attention is made of torch kernels, and every step takes several times as long.

Not modelled: that the estimates may be wrong. No unit begins when the last one took longer than what is left of the
time, and the next run goes on where this one ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mini_lib.bench.recording.timed import Rounds
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode, default_capture_sizes

MODES = (CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL)
MIB = 2**20
ROUNDS = Rounds(rounds=5, calls=40)
OVERLAP_ROUNDS = Rounds(rounds=3, calls=70)


@dataclass(frozen=True)
class Plan:
    """The points of all parts. What stands first is measured first.

    `context` is how many tokens each request has in its KV cache, and how far attention looks in every mode.
    """

    name: str = "full"
    rounds: Rounds = ROUNDS
    models: tuple[ModelConfig, ...] = (
        *(ModelConfig.qwen3_0_6b(), ModelConfig.llama_3_8b(), ModelConfig.llama_3_2_1b()),
        *(ModelConfig.gpt2(), ModelConfig.tiny()),
    )
    context: int = 1024
    styles: tuple[str, ...] = ("naive", "lean", "fused", "inductor")
    batches: tuple[int, ...] = (1, 8, 64, 256, 2, 4, 16, 32, 128)

    copy_bytes: tuple[int, ...] = (4096 * MIB, 1024 * MIB, 256 * MIB)
    matmul_width: int = 8192
    chain_nodes: tuple[int, ...] = (1, 4, 16, 64, 256, 1024, 4096)
    piece_models: tuple[ModelConfig, ...] = (ModelConfig.llama_3_8b(), ModelConfig.qwen3_0_6b())
    capture_model: ModelConfig = field(default_factory=ModelConfig.qwen3_0_6b)
    capture_sizes: tuple[int, ...] = tuple(default_capture_sizes("mini-sglang", max_num_seqs=256))
    paid_sizes: tuple[int, ...] = (1, 8, 64, 256)
    paid_styles: tuple[str, ...] = ("fused", "naive")

    overlap_model: ModelConfig = field(default_factory=ModelConfig.llama_3_8b)
    overlap_batch: int = 8
    overlap_shares: tuple[float, ...] = (0.0, 0.5, 0.1, 0.8, 0.2, 0.4, 0.6, 0.3, 0.7, 0.9, 1.0)
    overlap_rounds: Rounds = OVERLAP_ROUNDS
    generation_model: ModelConfig = field(default_factory=ModelConfig.gpt2)
    generation_prompt: int = 128
    generation_tokens: int = 32


FULL = Plan()

_SMALL = ModelConfig.tiny()
QUICK = Plan(
    name="quick",
    rounds=Rounds(rounds=2, calls=2, warmups=1),
    models=(_SMALL,),
    context=16,
    styles=("naive", "fused"),
    batches=(1, 3),
    copy_bytes=(MIB,),
    matmul_width=64,
    chain_nodes=(1, 2, 4),
    piece_models=(_SMALL,),
    capture_model=_SMALL,
    capture_sizes=(1, 2),
    paid_sizes=(1, 2),
    paid_styles=("fused",),
    overlap_model=_SMALL,
    overlap_batch=2,
    overlap_shares=(0.0, 0.5),
    overlap_rounds=Rounds(rounds=1, calls=3),
    generation_model=_SMALL,
    generation_prompt=4,
    generation_tokens=3,
)
"""Small shapes and few calls: whether the recording works, in seconds. Its times are nothing to quote."""
