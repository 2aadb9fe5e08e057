"""The ten-minute tour: one test per idea, to be read from top to bottom. Everything here runs on any laptop.

Graphs first: recorded once, replayed for ever. Then the sizes to record, and the time that it is all about. Then the
engine: which graph a batch rides in, and how the CPU works ahead of the GPU. `recorder` is the CPU twin of
`torch.cuda`; on a GPU the same lines run with the names imported from there.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mini_lib.config import ModelConfig
from mini_lib.dispatch import (
    CaptureSizes,
    CudagraphDispatcher,
    CUDAGraphMode,
    default_capture_sizes,
    padding_waste,
)
from mini_lib.engine import Engine, FutureMap
from mini_lib.graphs import BufferSpec, CaptureError, GraphRunner, InputBuffers, recorder
from mini_lib.graphs.recorder import CUDAGraph, graph, graph_pool_handle, pool_of
from mini_lib.timing import decode_step


def test_capture_records_and_runs_nothing():
    x = torch.tensor([1.5, 2.5, -3.5])
    g = CUDAGraph()
    with graph(g):
        y = torch.relu(x * 2)
    assert g.nodes == ("aten.mul", "aten.relu")
    assert y.isnan().all()  # memory that nobody has written yet: the twin fills it with poison
    g.replay()
    assert y.tolist() == [3.0, 5.0, 0.0]


def test_replay_reads_what_lies_at_the_recorded_address():
    x = torch.tensor([1.5, 2.5])
    g = CUDAGraph()
    with graph(g):
        y = x + 10
    x.copy_(torch.tensor([3.5, 4.5]))  # new values at the same address
    g.replay()
    assert y.tolist() == [13.5, 14.5]

    old = x
    x = torch.tensor([100.0, 200.0])  # another address, of which the graph knows nothing
    g.replay()
    assert y.tolist() == [13.5, 14.5]
    assert torch.equal(y, old + 10)


def test_the_next_replay_overwrites_the_output():
    x = torch.tensor([1.5])
    g = CUDAGraph()
    with graph(g):
        y = x * 2
    g.replay()
    alias, kept = y, y.clone()
    x.fill_(7.5)
    g.replay()
    assert alias.tolist() == [15.0]
    assert kept.tolist() == [3.0]


def test_what_python_decided_is_frozen():
    x, scale = torch.tensor([1.5, -2.5]), 3
    g = CUDAGraph()
    with graph(g):
        y = x * scale if scale > 1 else x
    scale = 100
    g.replay()
    assert y.tolist() == [4.5, -7.5]


def test_a_graph_cannot_ask_the_gpu_for_a_value():
    x = torch.tensor([1.5, -2.5])
    with pytest.raises(CaptureError) as caught, graph(CUDAGraph()):
        _ = "a sum above zero" if x.sum() > 0 else "none"
    cuda_says, _, we_say = str(caught.value).split("\n")
    assert cuda_says == "CUDA error: operation failed due to a previous error during capture"  # error 901
    assert "operation not permitted when stream is capturing" in str(caught.value.__context__)  # after error 900
    assert "Keep the decision on the device (torch.where)" in we_say


def test_random_numbers_are_new_at_each_replay():
    g = CUDAGraph()
    with graph(g):
        noise = torch.rand(4)
    torch.manual_seed(5)
    g.replay()
    first = noise.clone()
    g.replay()
    assert not torch.equal(noise, first)
    torch.manual_seed(5)
    assert torch.equal(first, torch.rand(4))


def test_graphs_of_several_sizes_share_a_pool_the_largest_first():
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 64)).requires_grad_(False)

    def reserved_bytes(sizes: list[int]) -> int:
        pool, graphs = graph_pool_handle(), [CUDAGraph() for _ in sizes]
        for size, g in zip(sizes, graphs, strict=True):
            x = torch.linspace(-1, 1, size * 64).view(size, 64)
            with graph(g, pool=pool):
                model(x)
        return pool_of(pool).reserved_bytes

    assert reserved_bytes([3000, 2000, 1000]) < reserved_bytes([1000, 2000, 3000])


def test_a_batch_rides_in_the_smallest_graph_that_holds_it():
    sizes = CaptureSizes(default_capture_sizes("vllm", max_num_seqs=256))
    assert len(sizes) == 51
    assert sizes.pad(33) == 40  # seven rows are computed for nobody
    assert sizes.pad(513) is None  # no graph is that wide: run eagerly
    assert padding_waste(sizes, {33: 10}) == 7 / 40


def test_a_runner_pads_copies_in_replays_and_cuts_the_padding_off():
    buffers = InputBuffers(8, {"x": BufferSpec(torch.float32, shape=(2,), pad=float("nan"))}, torch.device("cpu"))
    runner = GraphRunner(lambda x: x * 2, buffers, capture_sizes=[2, 4], device_module=recorder)
    runner.capture()
    batch = torch.tensor([[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]])
    assert torch.equal(runner(x=batch), batch * 2)
    assert (runner.stats.replays, runner.stats.padded_rows, runner.stats.eager_calls) == ({4: 1}, 1, 0)


def test_where_launches_are_slower_than_kernels_the_gpu_waits_for_the_cpu():
    eager, graph_of_it = decode_step(num_kernels=40, kernel_us=3.0)  # a launch is assumed to take 7.5 us
    assert eager.lane("GPU")[1].start_us - eager.lane("GPU")[0].start_us == 7.5
    assert eager.duration_us > graph_of_it.duration_us
    assert eager.busy_us("GPU") == graph_of_it.busy_us("GPU") == 120.0  # the kernels did not become faster


def test_a_policy_says_how_decode_batches_run_and_how_all_others_do():
    dispatcher = CudagraphDispatcher(CUDAGraphMode.FULL_AND_PIECEWISE, [1, 2, 4, 8], max_num_seqs=8)
    decode, prefill, too_wide = (
        dispatcher.dispatch(5, uniform_decode=True),
        dispatcher.dispatch(5),
        dispatcher.dispatch(9),
    )
    assert (decode[0], decode[1].num_tokens) == (CUDAGraphMode.FULL, 8)
    assert (prefill[0], prefill[1].num_tokens) == (CUDAGraphMode.PIECEWISE, 8)
    assert (too_wide[0], too_wide[1].num_tokens) == (CUDAGraphMode.NONE, 9)  # no graph, so no padding


def test_piecewise_launches_the_graphs_between_attention_and_attention_itself():
    def launches_of_a_decode_step(mode: CUDAGraphMode) -> tuple[int, int]:
        with Engine(
            ModelConfig.tiny(), cudagraph_mode=mode, style="fused", capture_sizes=[1], device_module=recorder
        ) as engine:
            engine.generate([[5, 0, 3]], max_new_tokens=3)
            return engine.stats.steps[-1].kernels, engine.stats.steps[-1].graphs

    assert launches_of_a_decode_step(CUDAGraphMode.NONE) == (20, 0)
    assert launches_of_a_decode_step(CUDAGraphMode.PIECEWISE) == (4, 3)  # two layers: two attentions of two kernels
    assert launches_of_a_decode_step(CUDAGraphMode.FULL) == (0, 1)


def test_a_symbolic_id_stands_for_a_token_that_only_the_device_knows():
    tokens = FutureMap(max_num_seqs=4, device=torch.device("cpu"))
    ids = tokens.reserve(torch.tensor([2, 4]))  # rows of the request pool
    assert (ids < 0).all()  # no token is below 0, so nobody takes an id for one
    tokens.stash(ids, torch.tensor([77, 0]))
    assert tokens.resolve(torch.tensor([5, ids[1], ids[0], 0])).tolist() == [5, 0, 77, 0]


def test_overlap_launches_the_next_step_before_it_knows_the_last_ones_tokens_and_finds_the_same():
    def order_and_tokens(async_scheduling: bool) -> tuple[list[str], list[list[int]]]:
        with Engine(ModelConfig.exact(), async_scheduling=async_scheduling, device_module=recorder) as engine:
            tokens = engine.generate([[5, 0, 3], [8]], max_new_tokens=3)
            names = [span.name for span in engine.timeline.lane("CPU")]
        return [name for name in names if name.startswith(("launch", "process"))], tokens

    in_turns, tokens = order_and_tokens(async_scheduling=False)
    overlapped, same_tokens = order_and_tokens(async_scheduling=True)
    assert in_turns == ["launch 0", "process 0", "launch 1", "process 1", "launch 2", "process 2"]
    assert overlapped == ["launch 0", "launch 1", "process 0", "launch 2", "process 1", "process 2"]
    assert tokens == same_tokens
