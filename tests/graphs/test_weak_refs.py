"""Weak references: the same bytes, and the block is free for the next capture."""

from __future__ import annotations

from typing import NamedTuple

import torch

from mini_lib.graphs import weak_ref
from mini_lib.graphs.recorder import pool_of


class Pair(NamedTuple):
    hidden: torch.Tensor
    count: int


def test_a_weak_reference_reads_what_the_replay_writes(world):
    x = world.tensor([1.0, 2.0, 3.0, 4.0])
    graph, output = world.capture(lambda: (x * 10).view(2, 2)[:, 1])
    weak = weak_ref(output)
    assert (weak.data_ptr(), weak.shape, weak.stride()) == (output.data_ptr(), output.shape, output.stride())
    graph.replay()
    assert weak.tolist() == [20.0, 40.0]


def test_each_of_several_outputs_is_pointed_at_where_it_lies(world):
    x = world.tensor([1.0, 2.0])
    graph, outputs = world.capture(lambda: (x * 10, x * 100, x * 1000))
    weak = weak_ref(outputs)
    del outputs
    graph.replay()
    assert [one.tolist() for one in weak] == [[10.0, 20.0], [100.0, 200.0], [1000.0, 2000.0]]


def test_a_tree_keeps_its_form(world):
    x = world.tensor([1.0])
    graph, output = world.capture(lambda: Pair(x * 2, 7))
    weak = weak_ref({"pair": output, "nothing": None, "list": [output.hidden]})
    graph.replay()
    assert type(weak["pair"]) is Pair
    assert (weak["pair"].hidden.item(), weak["pair"].count, weak["nothing"], weak["list"][0].item()) == (2, 7, None, 2)


def test_the_next_capture_reuses_a_block_that_only_a_weak_reference_knows(world):
    x = world.tensor([1.0] * 64)
    first, output = world.capture(lambda: x * 2)
    weak = weak_ref(output)
    address = output.data_ptr()
    del output
    _, later = world.capture(lambda: x * 3, pool=first.pool())
    assert later.data_ptr() == address == weak.data_ptr()


def test_a_strong_reference_keeps_its_block(world):
    x = world.tensor([1.0] * 64)
    first, output = world.capture(lambda: x * 2)
    _, later = world.capture(lambda: x * 3, pool=first.pool())
    assert later.data_ptr() != output.data_ptr()


def test_made_while_the_capture_is_under_way_it_is_no_kernel(world):
    x = world.tensor([1.0])
    graph, weak = world.capture(lambda: weak_ref(x * 2))
    graph.replay()
    assert weak.item() == 2.0
    if world.is_twin:
        assert graph.nodes == ("aten.mul",)
        assert pool_of(graph.pool()).allocated_bytes == 0


def test_memory_from_no_pool_comes_back_as_it_is():
    x = torch.tensor([1.0])
    assert weak_ref(x) is x


def test_an_empty_tensor_points_nowhere(world):
    x = world.tensor([])
    assert weak_ref(x).shape == (0,)
