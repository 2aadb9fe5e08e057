"""The twin in odd company: errors at replay, threads, interrupts, custom ops, autocast, torch.compile, Adam."""

from __future__ import annotations

import threading
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from mini_lib.graphs import recorder
from tests.graphs.twin_capture import X, capture


def test_an_error_at_replay_names_the_node():
    table, ids = torch.tensor([[1.5], [2.5], [3.5]]), torch.tensor([0, 2])
    graph, _ = capture(lambda: table[ids])
    ids.fill_(9)
    with pytest.raises(IndexError) as caught:
        graph.replay()
    assert "While replaying aten.index" in caught.value.__notes__[0]


def test_other_threads_run_at_once_and_unseen():
    seen: list[object] = []

    def work() -> None:
        seen.extend([(X + 1).tolist(), recorder.is_current_stream_capturing()])

    def step() -> Tensor:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return X * 2

    graph, _ = capture(step)
    assert seen == [(X + 1).tolist(), False]
    assert graph.nodes == ("aten.mul",)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_behind_whatever_ends_a_capture(error: type[BaseException]):
    seed, stream = torch.manual_seed, recorder.current_stream()

    def step() -> None:
        X + 1
        raise error("stop")

    with pytest.raises(error, match="stop"):
        capture(step)
    assert _get_current_dispatch_mode() is None
    assert torch.manual_seed is seed
    assert recorder.current_stream() is stream
    assert (X + 1)[0].tolist() == [1.5, -0.5, 3.5]


def test_a_custom_op_is_one_node_and_is_not_called_at_capture():
    calls = []

    @torch.library.custom_op("launch_bound_tests::scale_into", mutates_args=("out",))
    def scale_into(x: Tensor, factor: float, out: Tensor) -> None:
        calls.append(factor)
        out.copy_(x * factor)

    out = torch.tensor([9.5, 9.5, 9.5])
    graph, _ = capture(lambda: scale_into(X[0], 3.0, out))
    assert graph.nodes == ("launch_bound_tests.scale_into",)
    assert calls == []
    graph.replay()
    assert out.tolist() == [1.5, -4.5, 7.5]
    assert calls == [3.0]


@pytest.mark.parametrize("with_fake", [True, False])
def test_a_custom_op_that_returns_something_needs_no_fake(with_fake: bool):
    @torch.library.custom_op(f"launch_bound_tests::double_{with_fake}".lower(), mutates_args=())
    def double(x: Tensor) -> Tensor:
        return x * 2

    if with_fake:
        double.register_fake(torch.empty_like)
    graph, y = capture(lambda: double(X))
    assert y.isnan().all()
    graph.replay()
    assert torch.equal(y, X * 2)


def test_an_out_tensor_of_the_wrong_size_grows_into_the_pool():
    def step() -> Tensor:
        out = torch.empty(0)
        torch.mm(X, X.t(), out=out)
        return out + 1

    graph, y = capture(step)
    graph.replay()
    assert torch.equal(y, X @ X.t() + 1)


def test_a_generator_of_one_s_own_is_used_at_replay():
    source = torch.Generator().manual_seed(4)
    graph, y = capture(lambda: torch.rand(5, generator=source))
    graph.replay()
    assert torch.equal(y, torch.rand(5, generator=torch.Generator().manual_seed(4)))


def test_casts_of_autocast_are_recorded_and_not_done_twice():
    def step() -> Tensor:
        return torch.baddbmm(X[None], (X @ X.t())[None], X[None])

    plain, y = capture(step)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast, z = capture(step)
        plain.replay()
        expected = step()
    cast.replay()
    assert torch.equal(z, expected)
    assert torch.equal(y, step())
    assert not torch.equal(y, expected.float())


def test_a_graph_that_is_gone_holds_no_memory():
    holder = [np.array([2.5, 3.5, 4.5])]
    gone = weakref.ref(holder[0])
    holder.append(torch.from_numpy(holder[0]))
    graph, y = capture(lambda: holder[1] * 2)
    holder.clear()
    assert gone() is not None
    del graph
    assert gone() is None
    assert y.isnan().all()


def test_a_compiled_function_is_recorded_op_by_op():
    compiled = torch.compile(lambda x: (x * 2).sin() + 1, backend="eager")
    expected = compiled(X)
    graph, y = capture(lambda: compiled(X))
    assert graph.nodes == ("aten.mul", "aten.sin", "aten.add")
    graph.replay()
    assert torch.equal(y, expected)


def test_adam_is_refused_with_a_hint():
    weight = torch.tensor([2.5, -1.5], requires_grad=True)
    optimizer = torch.optim.Adam([weight])

    def step() -> None:
        weight.square().sum().backward()
        optimizer.step()

    step()
    with pytest.raises(RuntimeError, match=r"previous error during capture|capturable"):
        capture(step)
