"""One trace serves every batch size, and what it does not serve is refused in words."""

from __future__ import annotations

import contextlib
import gc
import weakref

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from mini_lib.compilation import CompilationConfig, CompilationMode, GraphBreakError, StockCompiledModel, compile_model
from mini_lib.dispatch.forward_context import set_forward_context
from tests.compilation.toy_models import DEVICE, SPLITTING_OPS, WIDTH, decoder, tokens

TRACED_ONCE = [CompilationMode.DYNAMO_TRACE_ONCE, CompilationMode.VLLM_COMPILE]


def config(mode=CompilationMode.VLLM_COMPILE, **options):
    return CompilationConfig(mode, SPLITTING_OPS, **options)


def run(model, num_tokens, metadata=2.0, start=0):
    with torch.no_grad(), set_forward_context(attn_metadata=metadata):
        return model(*tokens(num_tokens, start))


def graphs_of_dynamo() -> int:
    return counters["stats"]["unique_graphs"]


class Of(nn.Module):
    """A module whose forward is a given function."""

    def __init__(self, forward) -> None:
        super().__init__()
        self.forward = forward


def compiled(forward, **options):
    return compile_model(Of(forward), CompilationConfig(**options))


def ones(num_rows, width=WIDTH, dtype=torch.float32):
    return torch.ones(num_rows, width, dtype=dtype, device=DEVICE)


@pytest.mark.parametrize("mode", TRACED_ONCE)
@pytest.mark.parametrize("first", [1, 5])
def test_one_trace_serves_every_number_of_tokens_one_included(mode, first):
    model = decoder()
    once = compile_model(model, config(mode))
    before = graphs_of_dynamo()
    for num_tokens in (first, 1, 2, 3, 8, 64, 1, 7):
        assert torch.equal(run(once, num_tokens), run(model, num_tokens))
    assert once.num_traces == 1
    assert graphs_of_dynamo() - before == 1
    assert len(once.split.pieces) == (0 if mode is CompilationMode.DYNAMO_TRACE_ONCE else 7)
    assert once.num_tokens_seen == {first, 1, 2, 3, 8, 64, 7}


def test_stock_compilation_traces_again_for_another_kind_of_size():
    model = decoder(1)
    stock = compile_model(model, config(CompilationMode.STOCK_TORCH_COMPILE))
    assert isinstance(stock, StockCompiledModel)
    for num_tokens in (4, 5, 1):
        assert torch.equal(run(stock, num_tokens), run(model, num_tokens))
    assert stock.num_traces > 1


def test_mode_none_gives_the_model_itself():
    model = decoder(1)
    assert compile_model(model, config(CompilationMode.NONE)) is model


def test_more_models_of_one_class_than_dynamo_would_recompile_are_traced_once_each():
    for width in range(2, 2 + 2 * torch._dynamo.config.recompile_limit):
        model = nn.Linear(width, width, device=DEVICE)
        once = compile_model(model, CompilationConfig())
        stock = compile_model(model, CompilationConfig(CompilationMode.STOCK_TORCH_COMPILE))
        for num_tokens in (3, 1):
            once(ones(num_tokens, width))
        stock(ones(3, width))
        assert once.num_traces == stock.num_traces == 1


def test_tracing_runs_nothing_and_later_calls_reuse_it():
    ran = []
    model = decoder(2)
    once = compile_model(model, config(wrap=lambda piece, *_: lambda *args: ran.append(1) or piece(*args)))
    split = once.trace(*tokens(4))
    assert ran == []
    assert torch.equal(run(once, 3), run(model, 3))
    assert len(ran) == split.num_captured == 3
    assert once.num_traces == 1
    assert once.trace(*tokens(9)) is split


def test_attention_reads_the_live_forward_context():
    model, once = decoder(), compile_model(decoder(), config())
    for metadata in (2.0, 3.0, -1.5):
        assert torch.equal(run(once, 4, metadata), run(model, 4, metadata))


def test_a_weight_that_is_written_in_place_is_seen():
    model = decoder()
    once = compile_model(model, config())
    before = run(once, 4)
    with torch.no_grad():
        model.layers[1].o.weight.mul_(3)
    assert torch.equal(run(once, 4), run(model, 4))
    assert not torch.equal(run(once, 4), before)


def test_arguments_may_come_by_name_and_may_share_one_tensor():
    model, once = decoder(), compile_model(decoder(), config())
    ids, positions = tokens(5)
    with torch.no_grad(), set_forward_context(attn_metadata=1.0):
        assert torch.equal(once(positions=positions, input_ids=ids), model(ids, positions))
        assert torch.equal(once(positions, positions), model(positions, positions))
    assert once.num_traces == 1


def test_a_first_call_with_one_tensor_twice_does_not_tie_the_arguments_together():
    once = compiled(lambda a, b: a * 10 + b)
    shared = ones(3)
    once(shared, shared)
    assert torch.equal(once(ones(4), ones(4) * 5), ones(4) * 15)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: (x * 2, x + 1),
        lambda x: {"first": [x * 2], "again": x},
        lambda x: [x - 1, None, (x,)][::2],
    ],
)
def test_the_result_has_the_structure_that_the_model_gave_it(forward):
    once = compiled(forward)
    for num_tokens in (4, 1):
        x = ones(num_tokens) * num_tokens
        expected, got = (torch.utils._pytree.tree_flatten(result) for result in (forward(x), once(x)))
        assert expected[1] == got[1]
        assert all(map(torch.equal, expected[0], got[0]))


def test_none_stays_none():
    def forward(x, residual=None):
        return x * 2 if residual is None else x * 2 + residual

    without, with_one = compiled(forward), compiled(forward)
    assert torch.equal(without(ones(3)), ones(3) * 2)
    assert torch.equal(without(ones(3), None), ones(3) * 2)
    assert torch.equal(with_one(ones(3), ones(3)), ones(3) * 3)
    with pytest.raises(TypeError, match=r"Argument 1 was None when the model was traced"):
        without(ones(3), ones(3))
    with pytest.raises(TypeError, match=r"and is None now"):
        with_one(ones(3), None)


def test_what_guards_would_have_noticed_is_refused():
    once = compiled(lambda x, scale: x * scale)
    assert torch.equal(once(ones(2), 3), ones(2) * 3)
    for args in ((ones(2), 4), (ones(2, dtype=torch.float64), 3), (ones(2, WIDTH + 1), 3), (ones(2).sum(1), 3)):
        with pytest.raises(TypeError, match="when the model was traced"):
            once(*args)
    with pytest.raises(TypeError, match="The trace had 2 arguments, this call has 3"):
        once._traced(ones(2), 3, 4)


def test_arguments_that_disagree_on_the_number_of_tokens_are_refused():
    once = compiled(lambda a, b: a.sum(0) + b)
    with pytest.raises(ValueError, match=r"Dim 0 of every tensor is the number of tokens, and here it is \[2, 3\]"):
        once(ones(2), ones(3))
    assert once.num_traces == 0


def test_a_branch_on_the_number_of_tokens_serves_one_side_of_it():
    once = compiled(lambda x: x + 1 if x.shape[0] > 16 else x * 5)
    assert torch.equal(once(ones(4)), ones(4) * 5)
    assert torch.equal(once(ones(16)), ones(16) * 5)
    with pytest.raises(ValueError, match=r"wrong for 17 tokens: it was traced where .* <= 16 holds .*must not branch"):
        once(ones(17))


def test_one_token_is_held_against_the_branches_of_the_trace_too():
    once = compiled(lambda x: x * 5 if x.shape[0] % 2 == 0 else x + 1)
    assert torch.equal(once(ones(2)), ones(2) * 5)
    with pytest.raises(ValueError, match="wrong for 1 tokens"):
        once(ones(1))


def test_a_first_call_with_one_token_does_not_write_the_one_into_the_graph():
    once = compiled(lambda x: x.view(x.shape[0], 2, -1).flatten(1) * torch.arange(x.shape[0], device=DEVICE)[:, None])
    for num_tokens in (1, 4):
        assert torch.equal(once(ones(num_tokens)), torch.arange(num_tokens, device=DEVICE)[:, None] * ones(num_tokens))


def test_a_number_that_the_model_keeps_or_is_given_is_a_constant_of_the_graph():
    first = compiled(lambda x, scale: x * scale)
    second = compiled(lambda x, scale: x * scale)
    for once, scale in ((first, 0.5), (second, 0.25)):
        assert torch.equal(once(ones(3), scale), ones(3) * scale)
        assert scale in [arg for node in once.split.pieces[0].graph.graph.nodes for arg in node.args]


def test_a_number_of_tokens_that_the_model_fixes_serves_that_number_only():
    once = compiled(lambda x: x.view(4, WIDTH) * 2)
    assert torch.equal(once(ones(4)), ones(4) * 2)
    with pytest.raises(ValueError, match=r"wrong for 5 tokens.*write -1 for it"):
        once(ones(5))


BREAKS = {
    "a branch on values": (lambda x: x + 1 if x.sum() > 0 else x * 5, "Data-dependent branching"),
    "a print": (lambda x: print("hello") or x, "print"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_graph_break_is_named_with_its_line_and_the_way_out(name, capfd):
    forward, reason = BREAKS[name]
    with pytest.raises(GraphBreakError) as caught:
        compiled(forward)(ones(3))
    first, _, paragraph, *_ = str(caught.value).split("\n")
    assert "has a graph break at" in first and "test_compile_once.py" in first and "lambda x:" in first
    assert reason in str(caught.value)
    assert "torch.where" in paragraph and "custom_op" in paragraph
    assert capfd.readouterr().err == ""


def test_a_tensor_from_elsewhere_is_refused_because_the_trace_would_keep_it():
    elsewhere = [ones(1)]

    class Reads(nn.Module):
        def forward(self, x):
            return x + elsewhere[0]

    with pytest.raises(ValueError, match="neither an argument nor a weight"):
        compile_model(Reads(), CompilationConfig())(ones(3))


def test_a_list_of_tensors_as_an_argument_is_refused():
    with pytest.raises(TypeError, match=r"Argument 1 is a list.*forward context"):
        compiled(lambda x, caches: x + caches[0])(ones(3), [ones(3)])


def test_an_attribute_that_forward_sets_is_refused_because_it_would_be_set_once():
    class Counts(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x * 2

    model = Counts()
    with pytest.raises(ValueError, match=r"Counts\.forward sets calls"):
        compile_model(model, CompilationConfig())(ones(3))
    assert model.calls == 0


def test_an_error_of_a_wrap_or_a_pass_comes_as_it_was_raised():
    def wrap(piece, index, is_last):
        raise KeyError("my own")

    with pytest.raises(KeyError, match="my own"):
        compile_model(decoder(1), config(wrap=wrap))(*tokens(3))


@pytest.mark.parametrize("forward", [lambda x: x * 2, lambda x: print("a graph break") or x])
def test_torch_does_not_keep_a_model_that_nobody_else_keeps(forward):
    model = Of(forward)
    once, kept = compile_model(model, CompilationConfig()), weakref.ref(model)
    with contextlib.suppress(GraphBreakError):
        once(ones(3))
    del model, once
    gc.collect()
    assert kept() is None


def test_the_cut_model_can_be_looked_at_only_after_the_trace():
    with pytest.raises(RuntimeError, match="traced at its first call"):
        compile_model(decoder(1), config()).split  # noqa: B018
