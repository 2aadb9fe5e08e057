"""One program text on every policy, and what all of them refuse."""

from __future__ import annotations

import time

import pytest
import torch

from mini_lib.graphs import capture, device_of, recorder
from mini_lib.graphs.policies import DeviceWorkError, stream_policy
from tests.graphs import pipeline
from tests.graphs.pipeline import ON_CPU, POLICIES, new_policy


@pytest.fixture(params=POLICIES)
def policy(request):
    with new_policy(request.param) as policy:
        yield policy


@pytest.mark.parametrize("num_sets", [1, 2])
def test_the_same_program_gives_the_same_tokens(policy, num_sets):
    assert pipeline.run(policy, num_sets=num_sets) == pipeline.expected()


@pytest.mark.parametrize("name", ON_CPU)
def test_floats_are_equal_bit_for_bit(name):
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(5))
    x = torch.randn(3, 64, generator=torch.Generator().manual_seed(6))
    with new_policy(name) as policy:
        result = policy.host_tensor((3, 64), torch.float32)
        layers = policy.kernel(lambda scale: result.copy_(torch.softmax((x @ weight).relu() @ weight * scale, -1)))
        stream = policy.stream("forward")
        policy.start()
        stream.launch(layers, 0.25)
        policy.synchronize()
        assert torch.equal(result, torch.softmax((x @ weight).relu() @ weight * 0.25, -1))


def test_a_graph_captured_before_the_start_is_replayed_by_the_device(policy):
    module = torch.cuda if policy.name == "cuda" else recorder
    x = torch.arange(4.0, device=device_of(module))
    graph = capture(lambda x: (x * 2 + 1).relu(), x, device_module=module)
    numbers, result = policy.host_tensor((4,), torch.float32), policy.host_tensor((4,), torch.float32)

    @policy.kernel
    def step():
        x.copy_(numbers)
        result.copy_(graph.replay())

    stream = policy.stream("forward")
    policy.start()
    answers = []
    for start in (0.0, 10.0):
        numbers.copy_(torch.arange(4.0) + start)
        stream.launch(step)
        stream.record_event().synchronize()
        answers.append(result.tolist())
    assert answers == [[1.0, 3.0, 5.0, 7.0], [21.0, 23.0, 25.0, 27.0]]


def test_arguments_are_copied_at_launch(policy):
    result = policy.host_tensor((2,), torch.int64)
    write = policy.kernel(lambda numbers: result.copy_(torch.tensor(numbers)))
    stream = policy.stream("forward")
    policy.start()
    numbers = [3, 4]
    stream.launch(write, numbers)
    numbers[0] = 99
    policy.synchronize()
    assert result.tolist() == [3, 4]


def test_work_of_one_stream_runs_in_order(policy):
    result = policy.host_tensor((1,), torch.int64)
    fold = policy.kernel(lambda digit: result.mul_(10).add_(digit))
    stream = policy.stream("forward")
    policy.start()
    for digit in (1, 2, 3, 4):
        stream.launch(fold, digit)
    stream.record_event().synchronize()
    assert result.item() == 1234


def test_an_event_asked_often_enough_is_reached(policy):
    result = policy.host_tensor((1,), torch.int64)
    add = policy.kernel(lambda: result.add_(1))
    stream = policy.stream("forward")
    policy.start()
    stream.launch(add)
    event = stream.record_event()
    while not event.query():
        pass
    assert result.item() == 1


def test_the_device_runs_without_gradients(policy):
    result = policy.host_tensor((1,), torch.bool)
    look = policy.kernel(lambda: result.fill_(torch.is_grad_enabled()))
    stream = policy.stream("forward")
    policy.start()
    stream.launch(look)
    policy.synchronize()
    assert result.item() is False


def test_spans_have_names_and_the_clock_of_the_cpu(policy):
    kernel = policy.kernel(lambda: torch.zeros(3))
    stream = policy.stream("forward")
    before_us = time.perf_counter_ns() / 1e3
    policy.start()
    stream.launch(kernel, name="step 0")
    stream.launch(kernel)
    policy.synchronize()
    after_us = time.perf_counter_ns() / 1e3
    first, second = policy.gpu_spans()
    assert (first.name, second.name, first.lane) == ("step 0", "<lambda>", "GPU")
    if policy.name != "cuda":  # two clocks, laid over each other to within microseconds
        assert before_us <= first.start_us <= first.end_us <= second.start_us <= second.end_us <= after_us


def test_a_failure_is_told_to_whoever_waits_and_nothing_runs_after_it(policy):
    result = policy.host_tensor((1,), torch.int64)

    @policy.kernel
    def divide(by):
        result.fill_(8 // by)

    stream = policy.stream("forward")
    policy.start()
    stream.launch(divide, 2)
    stream.record_event().synchronize()
    stream.launch(divide, 0, name="step 7")
    stream.launch(divide, 1)
    event = stream.record_event()
    with pytest.raises(DeviceWorkError, match=r"'step 7' failed[\s\S]*result\.fill_\(8 // by\)[\s\S]*ZeroDivision"):
        event.synchronize()
    for wait in (policy.synchronize, event.synchronize, event.query):
        with pytest.raises(DeviceWorkError, match="step 7"):
            wait()
    assert result.item() == 4


def test_launching_before_the_start_says_what_comes_first(policy):
    stream, kernel = policy.stream("forward"), policy.kernel(print)
    for call in (lambda: stream.launch(kernel), stream.record_event, policy.synchronize):
        with pytest.raises(RuntimeError, match=r"has not started. Capture your graphs.*policy\.start\(\)"):
            call()


def test_what_the_device_must_know_comes_before_the_start(policy):
    policy.start()
    for call in (lambda: policy.kernel(print), lambda: policy.host_tensor((1,), torch.int64), policy.start):
        with pytest.raises(RuntimeError, match=r"comes before policy\.start\(\)"):
            call()


def test_a_launch_takes_a_kernel_of_its_own_policy(policy):
    policy.kernel(print)
    stranger = stream_policy("inline", recorder).kernel(print)
    stream = policy.stream("forward")
    policy.start()
    with pytest.raises(TypeError, match=r"step = policy\.kernel\(step\)"):
        stream.launch(print)
    with pytest.raises(ValueError, match="another policy"):
        stream.launch(stranger)


def test_a_closed_policy_refuses_everything_and_closes_again_in_peace(policy):
    stream, kernel = policy.stream("forward"), policy.kernel(lambda: None)
    policy.start()
    stream.launch(kernel)
    event = stream.record_event()
    policy.close()
    policy.close()
    for call in (lambda: stream.launch(kernel), event.synchronize, event.query, policy.synchronize, policy.start):
        with pytest.raises(RuntimeError, match="closed"):
            call()


@pytest.mark.parametrize("name", ON_CPU)
@pytest.mark.parametrize(
    ("argument", "sentence"),
    [(torch.ones(1), "holds a tensor"), ([{"x": torch.ones(1)}], "holds a tensor"), (lambda: 1, "plain values")],
)
def test_arguments_are_plain_values(name, argument, sentence):
    with new_policy(name) as policy:
        kernel, stream = policy.kernel(print), policy.stream("forward")
        policy.start()
        with pytest.raises(TypeError, match=sentence):
            stream.launch(kernel, argument)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
@pytest.mark.parametrize("name", ON_CPU)
def test_host_tensors_begin_as_zeros_of_any_shape(name, shape):
    with new_policy(name) as policy:
        for dtype in (torch.int64, torch.float32, torch.bool, torch.bfloat16):
            assert torch.equal(policy.host_tensor(shape, dtype), torch.zeros(shape, dtype=dtype))


def test_auto_is_the_gpu_where_there_is_one():
    assert stream_policy("auto", recorder).name == "inline"
    assert stream_policy().name == ("cuda" if torch.cuda.is_available() else "inline")


def test_a_policy_that_does_not_fit_is_refused_in_words():
    with pytest.raises(ValueError, match="There is no stream policy 'thread'"):
        stream_policy("thread")
    with pytest.raises(ValueError, match=r"goes with mini_lib\.graphs\.recorder"):
        stream_policy("process", torch.cuda)
    with pytest.raises(ValueError, match=r"cuda"):
        stream_policy("cuda", recorder)
