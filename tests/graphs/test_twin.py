"""What only the twin has: poison, hints, a look inside the graph, a report of dead inputs."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from mini_lib import graphs
from mini_lib.graphs import CaptureError, StaleInputError, device_of, get_device_module, recorder

X = torch.tensor([[0.5, -1.5, 2.5], [3.5, -4.5, 5.5]])


def capture(fn: Callable[[], object], **options: object) -> tuple[recorder.CUDAGraph, object]:
    graph = recorder.CUDAGraph()
    with recorder.graph(graph, **options):
        result = fn()
    return graph, result


@pytest.mark.parametrize(
    ("dtype", "poison"),
    [(torch.float32, None), (torch.float64, None), (torch.bfloat16, None), (torch.int64, -1), (torch.int8, -1),
     (torch.uint8, 255), (torch.bool, True)],
)  # fmt: skip
def test_an_output_is_poison_until_the_first_replay(dtype: torch.dtype, poison: object):
    x = torch.tensor([3, 0, 7, 2], dtype=torch.int16)
    graph, y = capture(lambda: x.to(dtype))
    assert y.isnan().all() if poison is None else y.tolist() == [poison] * 4
    if dtype is torch.bool:
        assert y.view(torch.uint8).tolist() == [1] * 4  # any other byte would be no bool
    graph.replay()
    assert torch.equal(y, x.to(dtype))


def test_memory_without_a_kernel_is_poison_too():
    _, y = capture(lambda: (torch.empty(3), X + 1)[0])
    assert y.isnan().all()


HINTS = {
    "item": (lambda: X.sum().item(), ["aten._local_scalar_dense (from .item())", "reads a value back", "torch.where"]),
    "if": (lambda: 1 if X.sum() > 0 else 2, ["if, while, and, or", "reads a value back", "move it out of the graph"]),
    "mask": (lambda: X[X > 0], ["aten.index (from tensor[...])", "as many elements as the data says", "masked_fill"]),
    "nonzero": (lambda: X.nonzero(), ["aten.nonzero", "fixed shapes", "Keep the full shape"]),
    "synchronize": (lambda: (X + 1, recorder.synchronize()), ["synchronize()", "Wait before the capture"]),
    "nested": (lambda: (X + 1, capture(lambda: X + 2)), ["this second capture begins waits for the GPU"]),
}
COPY_HINTS = {
    "tolist": (lambda: X.tolist(), [".tolist()", "ordinary CPU memory", "after the replay"]),
    "cpu": (lambda: X.cpu(), [".cpu()", "after the replay"]),
    "new_tensor": (lambda: X.new_tensor([1.5, 2.5]), ["tensor.new_tensor(...)", "copy_()"]),
    "tensor": (lambda: torch.tensor([1.5, 2.5]), ["torch.tensor(...)", "copy_()", "before the capture"]),
    "list": (lambda: X[[0, 1]], ["tensor[...]", "Python number, list or array", "before the capture"]),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_refusal_tells_op_rule_and_way_out_also_on_the_901(name: str):
    fn, fragments = HINTS[name]
    with pytest.raises(CaptureError) as caught:
        capture(lambda: (X * 2, fn()))
    for error in (caught.value, caught.value.__context__):
        first, empty, *paragraph = str(error).split("\n")
        assert first.startswith("CUDA error: operation ")
        assert empty == ""
        assert [fragment for fragment in fragments if fragment not in "\n".join(paragraph)] == []


@pytest.mark.parametrize("name", COPY_HINTS)
def test_a_refused_copy_tells_what_to_do_instead(name: str):
    fn, fragments = COPY_HINTS[name]
    with pytest.raises(CaptureError) as caught:
        capture(lambda: (X * 2, fn()))
    assert [fragment for fragment in fragments if fragment not in str(caught.value)] == []
    assert str(caught.value).split("\n")[1] == ""


def test_a_hint_does_not_say_the_same_name_twice():
    with pytest.raises(CaptureError, match=r"aten\.nonzero returns as many"):
        capture(lambda: (X.sum(), X.nonzero()))


def test_a_second_capture_by_hand_is_refused_too():
    with pytest.raises(CaptureError) as caught:
        capture(lambda: (X + 1, recorder.CUDAGraph().capture_begin()))
    assert "A second capture inside this one" in str(caught.value)


def test_the_stream_is_given_back_when_a_capture_cannot_begin():
    graph, _ = capture(lambda: X + 1)
    with pytest.raises(CaptureError), recorder.graph(graph):
        X + 2
    assert recorder.current_stream() is recorder.default_stream()


def test_tensors_without_memory_are_no_business_of_the_graph():
    graph, y = capture(lambda: (torch.empty(3, device="meta") * 2, X + 1)[0])
    assert y.is_meta
    assert graph.nodes == ("aten.add",)


def test_tensors_of_another_device_are_refused():
    with pytest.raises(CaptureError, match=r"The CPU twin of torch\.cuda\.CUDAGraph does not model this"):
        capture(lambda: (X + 1, torch.cat([X, torch.empty(2, 3, device="meta")])))


def test_1_and_1_0_and_other_default_dtypes_are_told_apart():
    whole = torch.tensor([3, 0, -7])
    assert [capture(lambda n=n: whole * n)[1].dtype for n in (2, 2.0)] == [torch.int64, torch.float32]
    before = torch.get_default_dtype()
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            assert capture(lambda: torch.zeros(3))[1].dtype == dtype
    finally:
        torch.set_default_dtype(before)


def test_a_graph_tells_its_nodes():
    graph, _ = capture(lambda: F.relu(X @ X.t()).view(4)[1:] + 1)
    assert graph.nodes == ("aten.mm", "aten.relu", "aten.add")
    assert graph.num_nodes == 3
    assert recorder.CUDAGraph().num_nodes == 0


def test_views_and_shapes_are_no_nodes():
    graph, _ = capture(lambda: (X.t().unsqueeze(0).expand(2, 3, 2)[..., 1].shape, X + 1))
    assert graph.nodes == ("aten.add",)


def test_inputs_that_live_are_not_reported():
    weight = torch.tensor([2.5, 3.5, 4.5])
    graph, y = capture(lambda: X * weight + 1, check_input_liveness=True)
    assert graph.dead_inputs() == []
    graph.replay()
    assert torch.equal(y, X * weight + 1)


def test_an_input_that_died_is_reported_in_torch_s_words():
    x = torch.tensor([2.5, 3.5, 4.5])
    graph, _ = capture(lambda: x * 2, check_input_liveness=True)
    address, x = x.data_ptr(), torch.tensor([7.5, 8.5, 9.5])
    (dead,) = graph.dead_inputs()
    assert dead == (address, (3,), torch.float32, "aten.mul")
    with pytest.raises(StaleInputError) as caught:
        graph.replay()
    assert str(caught.value).startswith("CUDA graph replay detected 1 dead tensor(s).\n\nDead tensor #1 (data_ptr=0x")
    assert "first read by aten.mul" in str(caught.value)
    assert "copy_()" in str(caught.value)


def test_without_the_check_a_dead_input_keeps_its_old_values():
    x = torch.tensor([2.5, 3.5, 4.5])
    graph, y = capture(lambda: x * 2)
    x = torch.tensor([7.5, 8.5, 9.5])
    graph.replay()
    assert y.tolist() == [5.0, 7.0, 9.0]


def test_a_view_keeps_an_input_alive():
    holder = [torch.tensor([2.5, 3.5, 4.5])]
    graph, _ = capture(lambda: holder[0] * 2)
    holder[0] = holder[0][1:]
    assert graph.dead_inputs() == []
    holder.clear()
    assert len(graph.dead_inputs()) == 1


def test_a_number_written_into_a_graph_is_no_input():
    graph, _ = capture(lambda: (X * 1).__setitem__(0, 2.5))
    assert graph.dead_inputs() == []


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
    held = sys.getrefcount(source)
    graph.replay()
    assert torch.equal(y, torch.rand(5, generator=torch.Generator().manual_seed(4)))
    del graph
    assert sys.getrefcount(source) == held - 1  # the graph's own; no cache keeps another


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


def test_one_except_serves_both_devices():
    with pytest.raises(getattr(torch, "AcceleratorError", RuntimeError)):
        capture(lambda: X.sum().item())


def test_the_facade_gives_torch_s_own_objects_on_a_gpu_and_the_twin_s_elsewhere():
    home = torch.cuda if torch.cuda.is_available() else recorder
    for name in ("CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing", "synchronize"):
        assert getattr(graphs, name) is getattr(home, name)
    assert get_device_module("cpu") is recorder
    assert get_device_module() is home
    assert device_of(recorder) == torch.device("cpu")
    assert device_of(torch.cuda).type == "cuda"


def test_a_device_module_that_is_not_there_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="torch sees no GPU"):
        get_device_module("cuda")
    with pytest.raises(ValueError, match="'auto', 'cuda' or 'cpu'"):
        get_device_module("gpu")


def test_events_measure_and_streams_nest():
    start, end = recorder.Event(enable_timing=True), recorder.Event(enable_timing=True)
    start.record()
    side = recorder.Stream()
    with recorder.stream(side):
        assert recorder.current_stream() is side
        with recorder.stream(None):
            assert recorder.current_stream() is side
    end.record()
    assert recorder.current_stream() is recorder.default_stream()
    assert end.query()
    assert start.elapsed_time(end) >= 0
    with pytest.raises(ValueError, match="enable_timing"):
        recorder.Event().elapsed_time(end)
