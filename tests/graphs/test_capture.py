"""One call, recorded: what replay reads, what it refuses, and what warm-up leaves behind."""

import pytest
import torch

from mini_lib.graphs import capture, device_of, recorder
from mini_lib.graphs.capture import pool_let_go
from mini_lib.graphs.errors import StaleInputError


@pytest.fixture
def device_module(world):
    return world.module


@pytest.fixture
def x(device_module):
    return torch.tensor([3.0, 5.0, 7.0], device=device_of(device_module))


def test_replay_copies_new_values_in_and_returns_the_static_output(device_module, x):
    triple = capture(lambda value: value * 3, x, device_module=device_module)
    output = triple.replay(torch.tensor([10.0, 20.0, 30.0]))
    assert output.tolist() == [30.0, 60.0, 90.0]
    assert output is triple.output
    assert x.tolist() == [10.0, 20.0, 30.0]


def test_replay_without_arguments_reads_the_static_inputs_as_they_stand(device_module, x):
    triple = capture(lambda value: value * 3, x, device_module=device_module)
    x.fill_(2.5)
    assert triple.replay().tolist() == [7.5, 7.5, 7.5]


def test_several_inputs_are_copied_in_order(device_module, x):
    minus = capture(lambda left, right: left - right, x, x.clone(), device_module=device_module)
    assert minus.replay(x * 10, x.clone()).tolist() == [27.0, 45.0, 63.0]


def test_the_function_is_called_for_each_warm_up_and_then_once_while_recording(device_module, x):
    calls = []

    def step(value):
        calls.append((device_module.is_current_stream_capturing(), device_module.current_stream() == callers))
        return value + 1

    callers = device_module.current_stream()
    capture(step, x, device_module=device_module, num_warmups=3)
    assert calls == [(False, False)] * 3 + [(True, False)]


def test_warm_up_writes_for_real_and_capture_does_not(device_module, x):
    def step(value):
        return value.add_(1)

    capture(step, x, device_module=device_module, num_warmups=2)
    assert x.tolist() == [5.0, 7.0, 9.0]


def test_warm_up_leaves_the_random_state(device_module, x):
    torch.manual_seed(4)
    wanted = torch.rand_like(x)
    torch.manual_seed(4)
    capture(torch.rand_like, x, device_module=device_module, num_warmups=2)
    assert torch.equal(torch.rand_like(x), wanted)


def test_a_captured_draw_is_another_one_at_each_replay(device_module, x):
    draw = capture(torch.rand_like, x, device_module=device_module)
    assert not torch.equal(draw.replay().clone(), draw.replay())


def test_a_graph_has_its_own_pool_unless_it_is_given_one(device_module, x):
    shared = device_module.graph_pool_handle()
    pools = [
        capture(torch.neg, x, device_module=device_module, pool=pool).pool for pool in (None, None, shared, shared)
    ]
    assert pools[2] == pools[3] == shared
    assert len(set(pools)) == 3


def test_until_the_first_replay_the_twin_shows_poison(x, device_module):
    triple = capture(lambda value: value * 3, x, device_module=device_module)
    if device_module is recorder:
        assert triple.output.isnan().all()
    assert triple.replay().tolist() == [9.0, 15.0, 21.0]


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ([torch.ones(4)], ValueError, r"shape \(4,\).*recorded for \(3,\)"),
        ([torch.ones(1)], ValueError, r"shape \(1,\)"),  # copy_ alone would broadcast it
        ([torch.ones(3, dtype=torch.float64)], TypeError, r"torch.float64.*torch.float32"),  # and convert this
        ([torch.ones(3)] * 2, TypeError, "had 1 inputs, this replay brings 2"),
    ],
)
def test_a_replay_with_other_inputs_is_refused_and_nothing_is_copied(device_module, x, values, error, words):
    triple = capture(lambda value: value * 3, x, device_module=device_module)
    with pytest.raises(error, match=words):
        triple.replay(*values)
    assert x.tolist() == [3.0, 5.0, 7.0]


def test_when_the_second_input_does_not_fit_the_first_is_not_copied_either(device_module, x):
    add = capture(torch.add, x, x.clone(), device_module=device_module)
    with pytest.raises(ValueError, match="input 1"):
        add.replay(x * 2, torch.ones(2))
    assert x.tolist() == [3.0, 5.0, 7.0]


def test_a_static_input_that_moved_is_refused(device_module, x):
    triple = capture(lambda value: value * 3, x, device_module=device_module)
    x.data = x * 10
    with pytest.raises(StaleInputError, match=r"Input 0 is not where it was(.|\n)*copy_"):
        triple.replay()


def test_a_refused_capture_brings_the_callers_stream_back(device_module, x):
    stream = device_module.current_stream()
    with pytest.raises(RuntimeError, match="CUDA error"):
        capture(lambda value: value * value.sum().item(), x, device_module=device_module)
    assert device_module.current_stream() == stream
    assert capture(lambda value: value * 3, x, device_module=device_module).replay().tolist() == [9.0, 15.0, 21.0]


def test_a_training_step_can_be_captured(device_module, x):
    weight = torch.full_like(x, 2.0).requires_grad_()

    def step(value):
        weight.grad = None
        loss = ((weight * value - 1) ** 2).sum()
        loss.backward()
        return loss.detach(), weight.grad

    eager = [result.clone() for result in step(x)]
    step_graph = capture(step, x, device_module=device_module)
    assert [result.tolist() for result in step_graph.replay()] == [result.tolist() for result in eager]


class OtherDevice:
    """In place of `torch.cuda`, where there is no GPU."""

    def current_device(self):
        return 3


@pytest.mark.parametrize("is_over_already", [False, True])
def test_torchs_allocator_is_told_that_a_refused_capture_is_over(monkeypatch, is_over_already):
    told = []

    def end_allocation(device, pool):
        told.append((device, pool))
        if is_over_already:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")

    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", end_allocation, raising=False)
    with pytest.raises(KeyError, match="mine"), pool_let_go(OtherDevice(), (0, 7)):
        raise KeyError("mine")
    assert told == [(3, (0, 7))]
    with pool_let_go(OtherDevice(), (0, 7)):
        pass
    with pytest.raises(KeyError), pool_let_go(recorder, (0, 7)):
        raise KeyError
    assert len(told) == 1, "nothing is to be told after a success, or to the twin"
