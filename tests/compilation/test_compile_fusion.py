"""The fusion pass: residual add and norm become one kernel, only where nothing is lost by working in place."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from mini_lib.compilation import CompilationConfig, compile_model, count_nodes, fuse_add_rms_norm
from mini_lib.config import ModelConfig
from mini_lib.graphs.launches import count_launches
from mini_lib.model import build_model
from tests.compilation.test_compile_decoder import Step
from tests.compilation.toy_models import DEVICE, WIDTH

FUSED = "mini_lib::fused_add_rms_norm"


class Calls(nn.Module):
    """A model with two matrices and a norm's weight; its forward is a given function of the module and a tensor."""

    def __init__(self, function, dtype=torch.float32) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.function = function
        self.a = nn.Linear(WIDTH, WIDTH, bias=False, dtype=dtype)
        self.b = nn.Linear(WIDTH, WIDTH, bias=False, dtype=dtype)
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, WIDTH, dtype=dtype))

    def forward(self, x):
        return self.function(self, x)

    def norm(self, x):
        return functional.rms_norm(x, (WIDTH,), self.weight, 1e-5)


def fused(model):
    compiled = compile_model(model, CompilationConfig(passes=(fuse_add_rms_norm,)))
    x = torch.linspace(-2, 3, 4 * WIDTH, dtype=model.weight.dtype, device=DEVICE).view(4, WIDTH)
    with torch.no_grad():
        return compiled(x.clone()), model(x.clone()), compiled.split.reports[0]


def both(model, x):
    hidden = model.a(x) + model.b(x)
    return model.norm(hidden), hidden


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sum_and_norm_are_those_of_the_two_kernels_to_the_last_bit(dtype):
    got, expected, report = fused(Calls(both, dtype).to(DEVICE))
    assert report.num_replaced == 1
    assert report.after.ops[FUSED] == 1 and "rms_norm" not in report.after.ops and "add" not in report.after.ops
    for ours, theirs in zip(got, expected, strict=True):  # the op adds and norms with the very kernels it replaces
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_in_the_lean_decoder_every_residual_add_is_fused_and_the_report_says_so(num_layers):
    model = build_model(dataclasses.replace(ModelConfig.tiny(), num_layers=num_layers), device=DEVICE)
    compiled = compile_model(model, CompilationConfig(passes=(fuse_add_rms_norm,)))
    zeros = torch.zeros(4, dtype=torch.int64, device=DEVICE)
    (report,) = compiled.trace(zeros, zeros).reports
    assert report.name == "fuse_add_rms_norm"
    assert report.num_replaced == report.after.ops[FUSED] == 2 * num_layers
    assert report.before.nodes - report.after.nodes == report.before.kernels - report.after.kernels == 2 * num_layers
    assert report.before.ops["rms_norm"] - report.after.ops["rms_norm"] == 2 * num_layers
    assert report.after.ops["rms_norm"] == 1  # the first norm, before which nothing was added
    assert str(report).startswith(f"fuse_add_rms_norm: {2 * num_layers} replaced, nodes {report.before.nodes} -> ")


def reads_old_operand(model, x):
    block = model.b(x)
    return model.norm(model.a(x) + block) + block


def reads_a_view_of_an_old_operand(model, x):
    block = model.b(x)
    first = block[:, :1]
    return model.norm(model.a(x) + block) * first


def adds_the_input(model, x):
    return model.norm(x + model.a(x))


def adds_the_input_written_in_place(model, x):
    written = x.add_(1)
    return model.norm(written + model.a(x)) + x


def adds_the_input_written_in_place_and_given_back(model, x):
    return model.norm(x.add_(1) + model.b(model.weight.expand(4, -1))), x


def adds_a_view(model, x):
    return model.norm(model.a(x).view(2, -1, WIDTH).flatten(0, 1) + model.b(x))


def adds_a_row_to_all(model, x):
    return model.norm(model.a(x) + model.b(x[:1]))


def adds_twice_the_same(model, x):
    block = model.a(x)
    return model.norm(block + block)


def adds_with_a_factor(model, x):
    return model.norm(torch.add(model.a(x), model.b(x), alpha=2))


def adds_a_number(model, x):
    return model.norm(model.a(x) + 1.5)


def norms_without_weight(model, x):
    return functional.rms_norm(model.a(x) + model.b(x), (WIDTH,), None, 1e-5)


def adds_another_dtype(model, x):
    return model.norm(model.a(x) + model.b(x).to(torch.bfloat16))


@pytest.mark.parametrize(
    "function",
    [
        reads_old_operand,
        reads_a_view_of_an_old_operand,
        adds_the_input,
        adds_the_input_written_in_place,
        adds_the_input_written_in_place_and_given_back,
        adds_a_view,
        adds_a_row_to_all,
        adds_twice_the_same,
        adds_with_a_factor,
        adds_a_number,
        norms_without_weight,
        adds_another_dtype,
    ],
)
def test_what_must_not_be_overwritten_is_left_alone(function):
    got, expected, report = fused(Calls(function).to(DEVICE))
    assert report.num_replaced == 0
    assert report.before == report.after
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


def reads_before(model, x):
    hidden = model.a(x)
    return model.norm(hidden + model.b(model.norm(hidden)))


def norms_the_sum_twice(model, x):
    hidden = model.a(x) + model.b(x)
    return model.norm(hidden) * functional.rms_norm(hidden, (WIDTH,), weight=model.weight, eps=0.1)


def adds_in_place(model, x):
    hidden = model.a(x)
    hidden += model.b(x)
    return model.norm(hidden) + hidden


@pytest.mark.parametrize("function", [reads_before, norms_the_sum_twice, adds_in_place])
def test_what_may_be_overwritten_is_fused(function):
    got, expected, report = fused(Calls(function).to(DEVICE))
    assert report.num_replaced == 1
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_the_counted_kernels_of_the_fused_style_are_those_that_are_launched():
    config = ModelConfig.tiny()
    model = build_model(config, style="fused", device=DEVICE)
    graphs = []
    look = (lambda gm: graphs.append(count_nodes(gm)) or 0,)
    compiled = compile_model(model, CompilationConfig(passes=look))
    step = Step(model, config)
    step.stage(3, 0)
    step.run(compiled, 3)
    with count_launches() as launches:
        step.run(compiled, 3)
    attention = graphs[0].ops["mini_lib::rope_attention"]  # one node, and two kernels: it writes KV, then reads all
    assert attention == config.num_layers
    assert launches.kernels == graphs[0].kernels + attention
