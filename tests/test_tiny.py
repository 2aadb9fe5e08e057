"""The ten-minute tour: one test per idea, to be read from top to bottom. Everything here runs on any laptop.

Graphs first: recorded once, replayed for ever. `recorder` is the CPU twin of `torch.cuda`; on a GPU the same lines run
with the names imported from there.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mini_lib.graphs import CaptureError
from mini_lib.graphs.recorder import CUDAGraph, graph, graph_pool_handle, pool_of


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
