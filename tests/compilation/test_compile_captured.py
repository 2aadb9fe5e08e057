"""Compiled pieces in graphs: captured one by one, and the whole cut model inside one graph."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.utils import counters

from mini_lib.compilation import CompilationConfig, CompilationMode, compile_model
from mini_lib.dispatch.forward_context import set_forward_context
from mini_lib.graphs import get_device_module, recorder
from tests.compilation.toy_models import SPLITTING_OPS, decoder, tokens

MODULE = get_device_module()


class Captures:
    """Captures a piece at its first call for a number of tokens, and replays it from then on."""

    def __init__(self, piece, log, pool) -> None:
        self.piece, self.log, self.pool = piece, log, pool
        self.entries = {}

    def __call__(self, *args):
        key = next(arg for arg in args if isinstance(arg, int))
        if key in self.entries:
            graph, output = self.entries[key]
            graph.replay()
            self.log.append("replay")
            return output
        graph = MODULE.CUDAGraph()
        with MODULE.graph(graph, pool=self.pool):
            output = self.piece(*args)
        self.entries[key] = (graph, output)
        self.log.append("capture")
        return output


def piecewise(model):
    log, pool = [], MODULE.graph_pool_handle()
    config = CompilationConfig(splitting_ops=SPLITTING_OPS, wrap=lambda piece, *_: Captures(piece, log, pool))
    return compile_model(model, config), log


@torch.no_grad()
def test_pieces_are_captured_per_size_and_replayed_around_live_attention():
    model = decoder(3)
    compiled, log = piecewise(model)
    static = {size: tokens(size) for size in (8, 4, 1)}
    compiled.trace(*static[8])
    with set_forward_context(attn_metadata=1.0):
        for size in (8, 4, 1):
            model(*static[size])  # warm-up, on a GPU
            compiled(*static[size])
    assert log == ["capture"] * 12
    for size, metadata, start in ((8, 2.0, 5), (1, -1.0, 3), (4, 0.5, 1), (8, 4.0, 0)):
        for ours, new in zip(static[size], tokens(size, start), strict=True):
            ours.copy_(new)
        with set_forward_context(attn_metadata=metadata):
            torch.testing.assert_close(compiled(*static[size]), model(*static[size]), rtol=0, atol=0)
    assert log[12:] == ["replay"] * 16
    assert compiled.num_traces == 1


@torch.no_grad()
@pytest.mark.parametrize("mode", [CompilationMode.DYNAMO_TRACE_ONCE, CompilationMode.VLLM_COMPILE])
def test_a_full_graph_around_the_cut_model_holds_every_kernel_and_no_dynamo(mode):
    model = decoder(2)
    compiled = compile_model(model, CompilationConfig(mode, SPLITTING_OPS))
    compiled.trace(*tokens(4))
    static, graph = tokens(4), MODULE.CUDAGraph()
    before = dict(counters["frames"]), dict(counters["stats"])
    with set_forward_context(attn_metadata=2.0):
        model(*static)  # warm-up, on a GPU
        with MODULE.graph(graph):
            output = compiled(*static)
    assert (dict(counters["frames"]), dict(counters["stats"])) == before
    for ours, new in zip(static, tokens(4, start=9), strict=True):
        ours.copy_(new)
    graph.replay()
    with set_forward_context(attn_metadata=2.0):
        assert torch.equal(output, model(*static))


@torch.no_grad()
def test_on_the_twin_the_kernels_inside_attention_are_nodes_of_the_full_graph():
    model = decoder(2).cpu()
    compiled = compile_model(model, CompilationConfig(splitting_ops=SPLITTING_OPS))
    static = [tensor.cpu() for tensor in tokens(4)]
    compiled.trace(*static)
    names = []
    for forward in (compiled, model):
        graph = recorder.CUDAGraph()
        with set_forward_context(attn_metadata=2.0), recorder.graph(graph):
            forward(*static)
        names.append([str(node) for node in graph.nodes])
    assert names[0] == names[1]
    assert not any("attention" in name for name in names[0])
    assert names[0].count("aten.mul_") == 2


@torch.no_grad()
def test_a_first_call_inside_a_capture_on_the_twin_is_told_to_warm_up():
    compiled = compile_model(decoder(1).cpu(), CompilationConfig(splitting_ops=SPLITTING_OPS))
    static = [tensor.cpu() for tensor in tokens(4)]
    with pytest.raises(RuntimeError, match=r"Dynamo traced nothing.*Call the model once before the capture"):
        with set_forward_context(attn_metadata=2.0), recorder.graph(recorder.CUDAGraph()):
            compiled(*static)
    assert compiled.num_traces == 0
    with set_forward_context(attn_metadata=2.0):
        assert torch.equal(compiled(*static), compiled.model(*static))
