"""Each refusal of the twin tells the op, the rule and the way out, under torch's own first line."""

from __future__ import annotations

import pytest
import torch

from mini_lib.graphs import CaptureError, recorder
from tests.graphs.twin_capture import X, capture

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
