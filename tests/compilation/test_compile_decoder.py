"""The library's own models on the FX road, under the wrappers of the engine: pieces in graphs, or all in one."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from mini_lib.compilation import CompilationConfig, CUDAGraphOptions, CUDAGraphWrapper, compile_model, fuse_add_rms_norm
from mini_lib.config import ModelConfig
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, set_forward_context
from mini_lib.graphs import device_of, get_device_module
from mini_lib.graphs.launches import count_launches
from mini_lib.model import AttentionMetadata, build_model, new_kv_caches

MODULE = get_device_module()
DEVICE = device_of(MODULE)
NONE, PIECEWISE, FULL = CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL
BLOCK_SIZE, NUM_BLOCKS, SIZES = 4, 4, (8, 3, 1)
MODELS = {
    "exact": (ModelConfig.exact(), "lean", ()),
    "lean": (ModelConfig.tiny(), "lean", ()),
    "fused by a pass": (ModelConfig.tiny(), "lean", (fuse_add_rms_norm,)),
    "naive": (ModelConfig.tiny(), "naive", ()),
    "fused": (ModelConfig.tiny(), "fused", ()),
}


class Step:
    """One request of up to 16 tokens, with static tensors per size as an engine keeps them."""

    def __init__(self, model, config) -> None:
        dtype = next(model.parameters()).dtype
        self.kv_caches = new_kv_caches(config, NUM_BLOCKS + 1, BLOCK_SIZE, DEVICE, dtype)
        table = torch.zeros(2, NUM_BLOCKS, dtype=torch.int64)
        table[1] = torch.tensor([3, 1, 4, 2])
        self.table, self.blocks = table.to(DEVICE), table[1].to(DEVICE)
        self.static = {size: [torch.zeros(size, dtype=torch.int64, device=DEVICE) for _ in range(4)] for size in SIZES}
        self.config = config

    def forget(self):
        for cache in self.kv_caches:
            cache.zero_()

    def stage(self, size, start):
        """Write a step of `size` tokens from position `start` on into the static tensors of that size."""
        ids, positions, token_rows, slots = self.static[size]
        positions.copy_(torch.arange(start, start + size))
        ids.copy_(positions * 5 % self.config.vocab_size)
        token_rows.fill_(1)
        slots.copy_(self.blocks[positions // BLOCK_SIZE] * BLOCK_SIZE + positions % BLOCK_SIZE)

    @torch.inference_mode()
    def run(self, model, size, mode=NONE, max_seq_len=BLOCK_SIZE * NUM_BLOCKS):
        ids, positions, token_rows, slots = self.static[size]
        metadata = AttentionMetadata(self.kv_caches, self.table, token_rows, slots, BLOCK_SIZE, max_seq_len)
        with set_forward_context(mode, BatchDescriptor(size) if mode else None, metadata):
            return model(ids, positions)


def engine_like(model, passes):
    """Return the compiled model, its pieces in graphs of mode PIECEWISE and all of it in a graph of mode FULL."""
    pool = MODULE.graph_pool_handle()

    def wrap(piece, index, is_last):
        return CUDAGraphWrapper(piece, PIECEWISE, pool=pool, options=CUDAGraphOptions(index > 0, is_last, True))

    compiled = compile_model(model, CompilationConfig(wrap=wrap, passes=passes))
    return compiled, CUDAGraphWrapper(compiled, FULL, pool=pool)


@pytest.mark.parametrize("name", MODELS)
def test_compiled_piecewise_and_full_give_the_bits_of_eager_at_every_size(name):
    config, style, passes = MODELS[name]
    model = build_model(config, style=style, device=DEVICE)
    step = Step(model, config)
    compiled, full = engine_like(model, passes)
    for mode in (NONE, PIECEWISE, FULL):
        for size in SIZES:
            step.stage(size, 0)
            step.run(model if mode is NONE else full, size, mode)  # warm-up, then captures
    seen = {size: [] for size in SIZES}
    for mode in (None, NONE, PIECEWISE, FULL, PIECEWISE):
        step.forget()
        start = 0
        for size in (8, 1, 3, 1):
            step.stage(size, start)
            output = step.run(model if mode is None else full, size, mode or NONE).clone()
            seen[size].append((start, output))
            start += size
    for outputs in seen.values():
        for start, output in outputs:
            expected = next(other for at, other in outputs if at == start)
            torch.testing.assert_close(output, expected, rtol=0, atol=0)  # the same kernels at the same sizes
    assert compiled.num_traces == 1


@pytest.mark.parametrize("name", ["exact", "lean"])
def test_a_step_launches_one_graph_in_mode_full_and_one_per_piece_in_mode_piecewise(name):
    config, style, passes = MODELS[name]
    model = build_model(config, style=style, device=DEVICE)
    step = Step(model, config)
    compiled, full = engine_like(model, passes)
    counted = {}
    for mode in (NONE, PIECEWISE, FULL):
        step.stage(3, 0)
        step.run(full, 3, mode)
        with count_launches() as launches:
            step.run(full, 3, mode)
        counted[mode] = (launches.graphs, launches.kernels)
    num_pieces = config.num_layers + 1
    assert compiled.split.num_captured == num_pieces
    assert counted[FULL] == (1, 0)
    assert counted[PIECEWISE] == (num_pieces, 2 * config.num_layers)  # kv_write and the attention kernel, eagerly
    assert counted[NONE][0] == 0 and counted[NONE][1] > num_pieces


def test_one_model_class_serves_many_configurations():
    for num_layers in (2, 3, 5):
        config = dataclasses.replace(ModelConfig.tiny(), num_layers=num_layers)
        model = build_model(config, device=DEVICE)
        step = Step(model, config)
        step.stage(3, 0)
        compiled = compile_model(model, CompilationConfig())
        assert torch.equal(step.run(compiled, 3), step.run(model, 3))
        assert len(compiled.split.pieces) == 2 * num_layers + 1
