"""A plain list of functions, captured between those that cannot be."""

from __future__ import annotations

import itertools

import pytest
import torch

from mini_lib.compilation import PiecewiseGraphRunner
from mini_lib.graphs.errors import FirstLine
from mini_lib.graphs.launches import count_launches
from tests.graphs.conftest import World


def centred(x):
    return x - x.mean().item()  # reads a value back: no graph can hold it


OPS = [lambda x: x * 3, centred, lambda x: x.relu() + 0.5, centred, lambda x: x @ x.T]


def eager(ops, x):
    for op in ops:
        x = op(x)
    return x


def runner_of(world: World, ops, uncapturable=lambda op: op is centred):
    return PiecewiseGraphRunner(ops, uncapturable, device_module=world.module, num_warmups=0 if world.is_twin else 1)


def x_of(world: World, *shape, start=-2.0):
    count = torch.Size(shape).numel()
    return torch.arange(count, dtype=torch.float32, device=world.device).reshape(shape) * 0.75 + start


@pytest.mark.parametrize("captured", [*itertools.product([True, False], repeat=4)])
def test_any_split_of_a_list_gives_what_the_list_gives(world: World, captured):
    ops = [lambda x: x * 3, lambda x: x - 1, torch.relu, lambda x: x.sum(0, keepdim=True) + x]
    may_not = {op for op, is_captured in zip(ops, captured, strict=True) if not is_captured}
    runner = runner_of(world, ops, may_not.__contains__)
    runner.capture(x_of(world, 3, 2))
    for start in (-2.0, 5.0):
        x = x_of(world, 3, 2, start=start)
        assert torch.equal(runner(x), eager(ops, x))
    pieces = [key for key, _ in itertools.groupby(captured)]
    assert (len(runner.pieces), runner.num_graphs) == (len(pieces), sum(pieces))
    assert runner.last_call == (sum(pieces), captured.count(False))


def test_capturing_runs_no_op(world: World):
    total, walks = world.tensor([0.0]), []

    def counts(x):
        total.add_(x.sum())
        return x * 2

    def forbidden(x):
        walks.append(x)
        return x

    runner = PiecewiseGraphRunner([counts, forbidden, counts], lambda op: op is forbidden, device_module=world.module)
    x = x_of(world, 3)
    with count_launches() as launches:
        runner.capture(x)
    # One kernel per graph: the zeros of its static input. No op is among them.
    assert world.kernels_of_the_program(launches) == ("aten.zeros", "aten.zeros")
    assert (launches.graphs, total.tolist(), walks) == (0, [0.0], [])
    runner(x)
    assert (total.item(), len(walks)) == (3 * x.sum().item(), 1)


def test_launches_are_one_per_graph_and_its_input_and_the_uncapturable_ops(world: World):
    runner, x = runner_of(world, OPS), x_of(world, 3, 3)
    runner.capture(x)
    with count_launches() as launches:
        runner(x)
    assert launches.graphs == runner.last_call.graph_launches == 3
    assert launches.by_name["aten.copy_"] == 3
    assert runner.last_call.eager_ops == 2


def test_each_shape_and_dtype_has_its_graphs_and_is_captured_on_the_way(world: World):
    ops = [lambda x: x * 2, centred, lambda x: x + 1]
    runner = runner_of(world, ops)
    inputs = [x_of(world, 3), x_of(world, 2, 2), x_of(world, 3).double()]
    for count, x in enumerate(inputs, 1):
        assert torch.equal(runner(x), eager(ops, x))
        assert runner.num_graphs == 2 * count
    for x in inputs:
        assert torch.equal(runner(x + 1), eager(ops, x + 1))
    assert runner.num_graphs == 6


def test_an_uncapturable_op_may_change_the_shape(world: World):
    def positive(x):
        return x[x > 0]

    ops = [lambda x: x * 2, positive, lambda x: x + 1]
    runner = runner_of(world, ops, lambda op: op is positive)
    x = x_of(world, 6)
    runner.capture(x)
    assert torch.equal(runner(x), eager(ops, x))
    assert torch.equal(runner(x - 1), eager(ops, x - 1))


def test_inputs_are_copied_in_so_any_tensor_will_do(world: World):
    ops = [lambda x: x.mul_(2), centred, lambda x: x.add_(1)]
    runner = runner_of(world, ops)
    x = x_of(world, 4)
    for values in (x, x.clone(), x_of(world, 8)[::2]):
        before = values.clone()
        assert torch.equal(runner(values), eager(ops, before.clone()))
        assert torch.equal(values, before)


def test_without_an_uncapturable_op_there_is_one_graph_and_with_none_other_there_is_none(world: World):
    x = x_of(world, 3)
    whole, eagerly, empty = (runner_of(world, ops) for ops in ([torch.neg, torch.exp], [centred] * 2, []))
    assert torch.equal(whole(x), x.neg().exp())
    assert torch.equal(eagerly(x), centred(centred(x)))
    assert empty(x) is x
    assert [runner.num_graphs for runner in (whole, eagerly, empty)] == [1, 0, 0]
    assert [runner.last_call for runner in (whole, eagerly, empty)] == [(1, 0), (0, 2), (0, 0)]


def test_an_op_that_is_wrongly_called_capturable_is_refused(world: World):
    runner = runner_of(world, OPS, lambda op: False)
    with pytest.raises(RuntimeError, match=FirstLine.INVALIDATED_901):
        runner.capture(x_of(world, 3, 3))
    assert runner.num_graphs == 0
    assert not world.module.is_current_stream_capturing()


def test_the_result_of_a_graph_is_overwritten_by_the_next_call(world: World):
    runner = runner_of(world, [lambda x: x * 2])
    first = runner(x_of(world, 2))
    kept = first.clone()
    second = runner(x_of(world, 2, start=9.0))
    assert torch.equal(first, second)
    assert not torch.equal(kept, second)
