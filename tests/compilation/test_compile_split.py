"""A traced graph is cut at its splitting ops, in the order in which the model ran."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mini_lib.compilation import CompilationConfig, SplittingBackend, compile_model, split_graph
from mini_lib.compilation.passes import op_name
from mini_lib.dispatch.forward_context import set_forward_context
from tests.compilation.toy_models import DEVICE, SPLITTING_OPS, WIDTH, attend, decoder, tokens, toy_attention


class Calls(nn.Module):
    """A model of one tensor whose forward is a given function."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def cut(model, *args, **options):
    """Return the compiled model and its pieces."""
    compiled = compile_model(model, CompilationConfig(splitting_ops=SPLITTING_OPS, **options))
    return compiled, compiled.trace(*args)


def rows(num_tokens=4):
    return torch.arange(num_tokens * WIDTH, dtype=torch.float32, device=DEVICE).view(num_tokens, WIDTH) + 0.5


def kinds(split) -> str:
    return "".join("x" if piece.is_splitting_graph else "g" for piece in split.pieces)


def same(compiled, model, *args) -> bool:
    with torch.no_grad(), set_forward_context(attn_metadata=3.0):
        return torch.equal(compiled(*args), model(*args))


@pytest.mark.parametrize("num_layers", [1, 2, 4])
def test_l_layers_give_2l_plus_1_pieces_of_which_l_plus_1_are_captured(num_layers):
    model = decoder(num_layers)
    compiled, split = cut(model, *tokens(4))
    assert kinds(split) == "gx" * num_layers + "g"
    assert split.num_captured == num_layers + 1
    assert [piece.graph_id for piece in split.pieces] == list(range(2 * num_layers + 1))
    assert same(compiled, model, *tokens(4))


def test_the_cut_model_calls_its_pieces_in_the_order_of_the_model():
    _, split = cut(decoder(3), *tokens(4))
    called = [node.target for node in split.graph.graph.nodes if node.op == "call_module"]
    assert called == [piece.submod_name for piece in split.pieces]
    layers = [
        node.args[-1] for piece in split.pieces for node in piece.graph.graph.nodes if node.target is toy_attention
    ]
    assert layers == [0, 1, 2]


def test_splitting_ops_that_follow_each_other_share_a_piece():
    def two(x):
        a, b, q = torch.empty_like(x), torch.empty_like(x), x * 2
        torch.ops.toy.attention(q, a, 1)
        torch.ops.toy.attention(q, b, 2)
        return a + b

    _, split = cut(Calls(two), rows())
    assert kinds(split) == "gxg"
    assert [node.args[-1] for node in split.pieces[1].graph.graph.nodes if node.op == "call_function"] == [1, 2]


def test_a_model_without_a_splitting_op_is_one_piece_that_is_last():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU()).to(DEVICE)
    wrapped = []
    compiled, split = cut(model, rows(), wrap=lambda piece, *place: wrapped.append(place) or piece)
    assert kinds(split) == "g"
    assert wrapped == [(0, True)]
    assert same(compiled, model, rows(1))


@pytest.mark.parametrize(
    ("forward", "pieces"),
    [
        (lambda x: attend(x, 5), "gx"),
        (lambda x: attend(x * 2, 5) * 3, "gxg"),
        (lambda x: attend(attend(x, 1), 2), "gxgx"),
    ],
)
def test_no_piece_is_empty(forward, pieces):
    model = Calls(forward)
    compiled, split = cut(model, rows())
    assert kinds(split) == pieces
    assert all(any(node.op == "call_function" for node in piece.graph.graph.nodes) for piece in split.pieces)
    assert same(compiled, model, rows(3))


def test_a_model_may_begin_with_a_splitting_op():
    def attention_first(x):
        torch.ops.toy.attention(x, x, 1)
        return x * 2

    _, split = cut(Calls(attention_first), rows())
    assert [(piece.graph_id, piece.is_splitting_graph) for piece in split.pieces] == [(0, True), (1, False)]


def test_wrap_gets_each_captured_piece_with_its_index_and_the_last_one_told():
    wrapped = []
    cut(decoder(2), *tokens(4), wrap=lambda piece, *place: wrapped.append(place) or piece)
    assert wrapped == [(0, False), (1, False), (2, True)]


def test_what_wrap_returns_is_called_in_place_of_the_piece():
    model = decoder(2)
    compiled, _ = cut(
        model, *tokens(4), wrap=lambda piece, index, _: lambda *args: piece(*args) if index < 2 else rows(1)
    )
    with torch.no_grad(), set_forward_context(attn_metadata=1.0):
        assert torch.equal(compiled(*tokens(3)), rows(1))


def test_a_splitting_node_calls_the_python_function_with_its_arguments_by_position():
    def by_name(x):
        return attend(x * 2, 5, layer=5) + 1

    compiled, split = cut(Calls(by_name), rows())
    (node,) = (node for node in split.pieces[1].graph.graph.nodes if node.op == "call_function")
    assert node.target is toy_attention
    assert len(node.args) == 3 and node.kwargs == {}
    assert same(compiled, Calls(lambda x: attend(x * 2, 5) + 1), rows())


def test_no_tuple_crosses_a_cut():
    def halves(x: Tensor) -> Tensor:
        parts = torch.chunk(x * 2, 2, -1)
        left = parts[0]
        out = torch.empty_like(left)
        torch.ops.toy.attention(left, out, 1)
        return (out + parts[1],)

    split, pieces = split_graph(torch.fx.symbolic_trace(halves), SPLITTING_OPS)
    with set_forward_context(attn_metadata=1.0):
        returned = [pieces[0].graph(rows()), *split(rows())]
    assert all(isinstance(value, Tensor) for value in returned[0])
    assert torch.equal(returned[1], rows()[:, : WIDTH // 2] * 2 + 1 + rows()[:, WIDTH // 2 :] * 2)


def test_a_splitting_op_that_returns_something_is_refused():
    backend = SplittingBackend({"aten::sin": torch.sin})
    model = Calls(lambda x: torch.ops.aten.sin(x) + 1)
    with pytest.raises(Exception, match=r"aten::sin returns something that add uses.*return nothing"):
        torch.compile(model, backend=backend)(rows())


def test_the_backend_is_an_ordinary_torch_compile_backend():
    model = decoder(2)
    stock = torch.compile(model, backend=SplittingBackend(SPLITTING_OPS), dynamic=True)
    assert same(stock, model, *tokens(4))


def test_a_piece_compiler_gets_each_captured_piece_with_its_example_inputs():
    got = []

    def compile_piece(graph, examples):
        got.append((sum(op_name(node) == "linear" for node in graph.graph.nodes), len(examples)))
        assert len(examples) == len(graph.graph.find_nodes(op="placeholder"))
        return graph.forward

    model = decoder(2)
    compiled, _ = cut(model, *tokens(4), compile_piece=compile_piece)
    assert [linears for linears, _ in got] == [1, 2, 1]
    assert same(compiled, model, *tokens(3))
