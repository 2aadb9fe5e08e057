"""A graph runner changes nothing but the time: what comes out, and what capture leaves behind.

Each property stands beside a wrong runner that fails it.
"""

import random

import pytest
import torch

from mini_lib.graphs import BufferSpec, GraphRunner, InputBuffers, device_of, recorder
from mini_lib.graphs.errors import StaleInputError
from tests.graphs.decode import EVERY_SIZE, SideBySide, batch, make_buffers, on


@pytest.fixture
def device_module(world):
    return world.module


class ForgetsToCopy(InputBuffers):
    def copy_in(self, num_padded, **values):
        return self.views(num_padded)


class KeepsOldPadding(InputBuffers):
    def copy_in(self, num_padded, **values):
        views = self.views(num_padded)
        for name, value in values.items():
            views[name][: value.shape[0]].copy_(value)
        return views


class Rebinds(InputBuffers):
    def copy_in(self, num_padded, **values):
        self.tensors.update(values)
        return values


# E5, E6, E11: what comes out


def test_every_size_in_any_order_gives_the_tokens_and_the_cache_of_eager(device_module):
    world = SideBySide(device_module).captured()
    order = [*EVERY_SIZE] * 3
    random.Random(2).shuffle(order)
    assert [num_rows for num_rows in order if not world.step(num_rows)] == []
    assert world.runner.stats.replays == {1: 3, 2: 3, 4: 6, 8: 12}
    assert world.runner.stats.eager_calls == 3


def slots_change_hands(world):
    """Eight requests; three of them go on alone; then the other five. Return whether each step was right.

    The three write new entries into their slots. Who keeps the rows of the eight as padding of the five writes the old
    entries back.
    """
    eight = batch(8, world.generator)
    three = {name: value[5:] + 1 if name == "tokens" else value[5:] for name, value in eight.items()}
    five = {name: value[:5] for name, value in eight.items()}
    return [world.run(values) for values in (eight, three, five)]


def test_a_slot_that_changes_hands_keeps_its_new_entry(device_module):
    assert slots_change_hands(SideBySide(device_module).captured()) == [True, True, True]


@pytest.mark.parametrize("wrong", [ForgetsToCopy, KeepsOldPadding, Rebinds])
def test_a_runner_that_does_not_copy_in_and_pad_is_caught(device_module, wrong):
    world = SideBySide(device_module, buffers=make_buffers(device_of(device_module), buffers_class=wrong)).captured()
    assert slots_change_hands(world)[2] is False


def test_padding_that_writes_into_a_live_slot_is_caught(device_module):
    world = SideBySide(device_module, buffers=make_buffers(device_of(device_module), slots=3)).captured()
    assert not world.step(5)


def test_poison_in_the_padded_rows_reaches_no_live_row(device_module):
    device = device_of(device_module)
    buffers = InputBuffers(8, {"x": BufferSpec(torch.float32, (3,), float("nan"))}, device)
    runner = GraphRunner(lambda x: x * 2 - x.sum(-1, keepdim=True), buffers, [8], device_module=device_module)
    runner.capture()
    values = torch.arange(15.0, device=device).view(5, 3)
    assert torch.equal(runner(x=values), values * 2 - values.sum(-1, keepdim=True))
    assert buffers["x"][5:].isnan().all()


def test_poison_in_the_padded_rows_shows_a_function_that_mixes_rows(device_module):
    buffers = InputBuffers(8, {"x": BufferSpec(torch.float32, (), float("nan"))}, device_of(device_module))
    runner = GraphRunner(lambda x: x - x.mean(), buffers, [8], device_module=device_module)
    runner.capture()
    assert runner(x=torch.arange(5.0, device=buffers.device)).isnan().all()


def test_results_may_be_tuples_and_dicts_and_each_is_cut_to_the_batch(device_module):
    buffers = InputBuffers(4, {"x": BufferSpec(torch.int64)}, device_of(device_module))
    runner = GraphRunner(lambda x: {"a": x + 1, "b": (x * 2, [x - 1])}, buffers, [4], device_module=device_module)
    runner.capture()
    output = runner(x=torch.tensor([5, 6, 7]))
    assert output["a"].tolist() == [6, 7, 8]
    assert output["b"][0].tolist() == [10, 12, 14]
    assert output["b"][1][0].tolist() == [4, 5, 6]


def test_results_carry_no_gradient_with_a_graph_and_without(device_module):
    weight = torch.tensor(3.0, device=device_of(device_module), requires_grad=True)
    buffers = InputBuffers(4, {"x": BufferSpec(torch.float32)}, weight.device)
    runner = GraphRunner(lambda x: x * weight, buffers, [2], device_module=device_module)
    runner.capture()
    for values in (torch.ones(2), torch.ones(4)):
        output = runner(x=values)
        assert (output.tolist(), output.requires_grad) == ([3.0] * len(values), False)


def test_a_result_is_overwritten_by_the_next_replay_of_its_graph(device_module):
    buffers = InputBuffers(2, {"x": BufferSpec(torch.int64)}, device_of(device_module))
    runner = GraphRunner(lambda x: x + 1, buffers, [2], device_module=device_module)
    runner.capture()
    first = runner(x=torch.tensor([10, 20]))
    kept = first.clone()
    runner(x=torch.tensor([30, 40]))
    assert (first.tolist(), kept.tolist()) == ([31, 41], [11, 21])


# E10: addresses


def test_the_static_inputs_stay_at_their_addresses_over_all_replays(device_module):
    world = SideBySide(device_module)
    before = {name: tensor.data_ptr() for name, tensor in world.buffers.tensors.items()}
    world.captured()
    assert all(world.step(num_rows) for num_rows in EVERY_SIZE)
    assert {name: tensor.data_ptr() for name, tensor in world.buffers.tensors.items()} == before


def test_a_rebound_static_input_is_refused_and_not_replayed_stale(device_module):
    world = SideBySide(device_module).captured()
    world.buffers.tensors["tokens"] = torch.zeros(9, dtype=torch.int64, device=world.device)
    with pytest.raises(StaleInputError, match="'tokens'"):
        world.step(4)
    assert world.runner.stats.replays == {}


# E13, E14, E15: capture


def test_warm_up_comes_before_each_capture_and_the_largest_size_first(device_module):
    world = SideBySide(device_module, num_warmups=2).captured()
    expected = [(size, capturing) for size in (8, 4, 2, 1) for capturing in (False, False, True)]
    assert world.decoder.calls == expected


def test_capture_leaves_cache_static_inputs_and_random_state_as_they_were(device_module):
    world = SideBySide(device_module)
    world.buffers.copy_in(9, **on(world.device, batch(9, world.generator)))
    static = {name: tensor.clone() for name, tensor in world.buffers.tensors.items()}
    world.captured()
    assert torch.equal(world.decoder.cache[1:], world.reference.cache[1:])
    assert all(torch.equal(tensor, static[name]) for name, tensor in world.buffers.tensors.items())


def test_capture_on_padding_that_is_not_harmless_shows_in_the_cache(device_module):
    world = SideBySide(device_module, buffers=make_buffers(device_of(device_module), slots=3)).captured()
    changed = (world.decoder.cache != world.reference.cache).nonzero().flatten().tolist()
    assert changed == [3]


def test_capture_of_a_function_that_draws_leaves_the_random_state(device_module):
    buffers = InputBuffers(4, {"x": BufferSpec(torch.float32)}, device_of(device_module))
    runner = GraphRunner(lambda x: x + torch.rand_like(x), buffers, [1, 4], device_module=device_module)
    torch.manual_seed(3)
    wanted = torch.rand(5, device=buffers.device)
    torch.manual_seed(3)
    runner.capture()
    assert torch.equal(torch.rand(5, device=buffers.device), wanted)


def test_capture_runs_no_kernel_so_its_output_is_no_result(device_module):
    world = SideBySide(device_module, num_warmups=0).captured()
    assert torch.equal(world.decoder.cache, world.reference.cache)  # the null slot too: nothing was written
    if device_module is recorder:
        assert world.runner.graphs[8].output.tolist() == [-1] * 8


def test_all_graphs_of_a_runner_share_one_pool(device_module):
    graphs = SideBySide(device_module).captured().runner.graphs
    assert {graphs[size].pool for size in graphs} == {graphs.pool}


def test_a_function_that_cannot_be_recorded_leaves_a_runner_without_graphs(device_module):
    device = device_of(device_module)
    buffers = InputBuffers(4, {"x": BufferSpec(torch.int64, pad=1)}, device)

    def reads_back_when_small(x):
        return x * (x.max().item() if x.shape[0] == 2 else x.max())

    runner = GraphRunner(reads_back_when_small, buffers, [2, 4], device_module=device_module)
    stream = device_module.current_stream()
    with pytest.raises(RuntimeError, match="CUDA error"):
        runner.capture()
    assert len(runner.graphs) == 0
    assert device_module.current_stream() == stream
    assert runner.run_eagerly(x=torch.tensor([2, 3])).tolist() == [6, 9]


@pytest.mark.parametrize("reduce", [torch.sum, lambda x: x[:1] + 1], ids=["sum over rows", "one row for all"])
def test_a_result_that_is_not_one_row_per_row_is_refused_at_capture(device_module, reduce):
    buffers = InputBuffers(4, {"x": BufferSpec(torch.float32)}, device_of(device_module))
    runner = GraphRunner(lambda x: reduce(x), buffers, [4], device_module=device_module)
    with pytest.raises(ValueError, match="for 4 rows"):
        runner.capture()
