"""What recording graphs costs, and until which batch a device is launch-bound."""

from __future__ import annotations

import pytest

from mini_lib.config import PRESETS, ModelConfig
from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode
from mini_lib.sim import PROFILES, StepPricer, StepShape, startup, step_kernels
from mini_lib.sim.crossover import MAX_BATCH, crossover_table, launch_bound_until
from mini_lib.sim.startup import nodes_of_graphs

H200 = PROFILES["H200"]


def keys_of(mode, sizes):
    return CudagraphDispatcher(mode, sizes, max_num_seqs=max(sizes)).capture_keys()


def test_a_full_graph_holds_every_kernel_of_the_forward_pass_and_pieces_hold_all_but_attention():
    config = ModelConfig.gpt2()
    forward = step_kernels(config, "fused", StepShape.decode(4, context=9)).forward
    assert nodes_of_graphs(config, "fused", CUDAGraphMode.FULL, 4) == [len(forward)]
    pieces = nodes_of_graphs(config, "fused", CUDAGraphMode.PIECEWISE, 4)
    assert len(pieces) == config.num_layers + 1
    assert sum(pieces) == len([kernel for kernel in forward if not kernel.splits])
    assert nodes_of_graphs(config, "fused", CUDAGraphMode.NONE, 4) == []


def test_starting_up_costs_a_constant_per_node_and_both_kinds_of_graphs_are_paid_for():
    config, sizes = ModelConfig.tiny(), [1, 2, 4]
    full, pieces, both = (
        startup(config, "lean", keys_of(mode, sizes), H200)
        for mode in (CUDAGraphMode.FULL, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL_AND_PIECEWISE)
    )
    assert full.graphs == 3 and pieces.graphs == 9
    assert both == pytest.approx((full.seconds + pieces.seconds, full.num_bytes + pieces.num_bytes, 12), rel=1e-6)
    assert full.seconds / full.num_bytes == pytest.approx(H200.capture_node_us / 1e6 / H200.graph_node_bytes, rel=1e-6)
    assert startup(config, "lean", keys_of(CUDAGraphMode.NONE, sizes), H200) == (0.0, 0, 0)


def test_a_size_of_an_8b_model_costs_what_engines_report_of_a_size():
    """Between 0.01 and 0.5 s and between 6 and 30 MiB: vLLM's own reports are that far apart."""
    one = startup(ModelConfig.llama_3_8b(), "fused", keys_of(CUDAGraphMode.PIECEWISE, [8]), H200)
    assert 0.01 < one.seconds < 0.5
    assert 6 < one.num_bytes / 2**20 < 30


@pytest.mark.parametrize("style", ["naive", "lean", "fused"])
def test_the_crossover_is_the_last_batch_at_which_launching_takes_longer(style):
    """Found by trying every batch: so the search may halve."""
    config, profile = ModelConfig.qwen3_0_6b(), PROFILES["A100"]
    pricer = StepPricer(config, style, profile)
    prices = [pricer.price(CUDAGraphMode.NONE, StepShape.decode(batch, 512)) for batch in range(1, 301)]
    bound = [price.launch_us > price.gpu_us for price in prices]
    assert bound == sorted(bound, reverse=True), "once GPU-bound, it stays so"
    assert 0 < sum(bound) < 300
    assert launch_bound_until(config, style, profile, context=512) == sum(bound)


def test_a_crossover_says_so_where_no_batch_is_launch_bound_and_where_all_are():
    assert launch_bound_until(ModelConfig.llama_3_8b(), "naive", PROFILES["T4"]) is None
    slow_host = PROFILES["H200"].with_values(own_op_us=10_000.0)
    assert launch_bound_until(ModelConfig.tiny(), "fused", slow_host) == MAX_BATCH
    assert launch_bound_until(ModelConfig.tiny(), "fused", slow_host, max_batch=5) == 5


def test_the_table_has_every_model_in_every_style_on_every_device_and_larger_models_cross_earlier():
    table = crossover_table()
    assert len(table) == len(PRESETS) * 3 * len(PROFILES)
    assert len({row[:3] for row in table}) == len(table)
    for device in PROFILES:
        until = {row.model: row.until or 0 for row in table if (row.device, row.style) == (device, "naive")}
        assert until["tiny"] >= until["gpt2"] >= until["llama-3.2-1b"] >= until["llama-3-8b"]
    assert all(row.full_us <= row.eager_us for row in table)
