"""From empty to captured and back: in what state a graph takes which call, one text for both devices."""

from __future__ import annotations

import pytest
import torch

from mini_lib.graphs.capture import pool_let_go
from mini_lib.graphs.errors import FirstLine
from tests.graphs.conftest import World
from tests.graphs.test_conformance_refusals import ERROR_901, first_line, x_of


def test_a_graph_is_captured_once(world: World):
    x = x_of(world)
    graph, _ = world.capture(lambda: x + 1)
    with pytest.raises(RuntimeError) as caught, world.module.graph(graph):
        x + 2
    assert first_line(caught.value) == FirstLine.ALREADY_CAPTURED
    assert not world.module.is_current_stream_capturing()


def test_after_reset_a_graph_can_be_captured_again(world: World):
    x = x_of(world)
    graph, _ = world.capture(lambda: x + 1)
    graph.reset()
    with pytest.raises(RuntimeError, match=FirstLine.REPLAY_TOO_EARLY):
        graph.replay()
    with world.module.graph(graph):
        y = x * 10
    graph.replay()
    assert y.tolist() == [[5.0, -15.0, 25.0], [35.0, -45.0, 55.0]]


def test_replay_and_pool_need_a_capture(world: World):
    graph = world.module.CUDAGraph()
    with pytest.raises(RuntimeError, match=FirstLine.REPLAY_TOO_EARLY):
        graph.replay()
    with pytest.raises(RuntimeError) as caught:
        graph.pool()
    assert first_line(caught.value) == FirstLine.POOL_TOO_EARLY


def test_a_refused_capture_leaves_nothing_to_replay_and_a_later_one_works(world: World):
    x, graph, pool = x_of(world), world.module.CUDAGraph(), world.module.graph_pool_handle()
    with pytest.raises(RuntimeError, match=ERROR_901), pool_let_go(world.module, pool):
        with world.module.graph(graph, pool=pool):
            x.sum().item()
    with pytest.raises(RuntimeError, match=FirstLine.REPLAY_TOO_EARLY):
        graph.replay()
    assert not world.module.is_current_stream_capturing()
    if not world.is_twin:
        world.module.set_stream(world.module.default_stream())  # torch leaves its side stream current after a 901
    later, y = world.capture(lambda: x + 1)
    later.replay()
    assert torch.equal(y, x + 1)


def test_the_default_stream_cannot_be_captured(world: World):
    graph = world.module.CUDAGraph()
    with pytest.raises(RuntimeError) as caught:
        graph.capture_begin()
    assert first_line(caught.value) == FirstLine.DEFAULT_STREAM
    assert not world.module.is_current_stream_capturing()


def test_begin_and_end_by_hand_do_what_the_block_does(world: World):
    x, graph = x_of(world), world.module.CUDAGraph()
    with world.module.stream(world.module.Stream()):
        graph.capture_begin()
        assert world.module.is_current_stream_capturing()
        y = x - 1
        graph.capture_end()
    graph.replay()
    assert torch.equal(y, x - 1)


def test_capture_ends_on_the_stream_it_began_on(world: World):
    x, graph = x_of(world), world.module.CUDAGraph()
    with world.module.stream(world.module.Stream()):
        graph.capture_begin()
        y = x - 1
        with world.module.stream(world.module.Stream()), pytest.raises(RuntimeError) as caught:
            graph.capture_end()
        graph.capture_end()
    assert first_line(caught.value) == FirstLine.OTHER_STREAM
    graph.replay()
    assert torch.equal(y, x - 1)


def test_an_empty_capture_warns(world: World):
    with pytest.warns(UserWarning, match="The CUDA Graph is empty. This usually means"):
        world.capture(lambda: None)


def test_an_exception_of_the_program_passes_through_and_leaves_what_was_recorded(world: World):
    x, graph, outputs = x_of(world), world.module.CUDAGraph(), []

    def step() -> None:
        outputs.append(x + 1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), world.module.graph(graph):
        step()
    assert not world.module.is_current_stream_capturing()
    graph.replay()
    assert torch.equal(outputs[0], x + 1)
