"""What only the twin has: poison, hints, a look inside the graph, a report of dead inputs."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mini_lib import graphs
from mini_lib.graphs import CaptureError, StaleInputError, device_of, get_device_module, recorder
from tests.graphs.twin_capture import X, capture


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
