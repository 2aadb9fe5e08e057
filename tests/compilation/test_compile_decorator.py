"""`support_torch_compile` opts a class in; without a configuration around its making nothing changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mini_lib.compilation import (
    CompilationConfig,
    CompilationMode,
    CompiledModel,
    StockCompiledModel,
    compilation_of,
    set_compilation_config,
    support_torch_compile,
)
from tests.compilation.toy_models import DEVICE


@support_torch_compile
class Inner(nn.Module):
    def forward(self, x):
        return x * 2


@support_torch_compile
class Outer(nn.Module):
    """A model whose part is opted in as well."""

    def __init__(self, addend: float = 1.0) -> None:
        super().__init__()
        self.addend, self.inner = addend, Inner()

    def forward(self, x, residual=None):
        return self.inner(x) + self.addend if residual is None else self.inner(x) + residual


X = torch.arange(6.0, device=DEVICE).view(3, 2)


@pytest.mark.parametrize("config", [None, CompilationConfig(CompilationMode.NONE)])
def test_without_a_configuration_the_class_behaves_as_before(config):
    hooked = []
    with set_compilation_config(config):
        model = Outer(5.0)
    model.register_forward_hook(lambda *_: hooked.append(1))
    assert torch.equal(model(X), X * 2 + 5)
    assert torch.equal(model(X, residual=X), X * 3)
    assert hooked == [1, 1]
    assert compilation_of(model) is None and compilation_of(model.inner) is None


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (CompilationMode.STOCK_TORCH_COMPILE, StockCompiledModel),
        (CompilationMode.DYNAMO_TRACE_ONCE, CompiledModel),
        (CompilationMode.VLLM_COMPILE, CompiledModel),
    ],
)
def test_a_model_made_under_a_configuration_compiles_itself(mode, kind):
    with set_compilation_config(CompilationConfig(mode)):
        model = Outer(5.0)
    for size in (3, 1, 2):
        assert torch.equal(model(X[:size]), X[:size] * 2 + 5)
    compiled = compilation_of(model)
    assert isinstance(compiled, kind)
    assert compiled.num_traces == 1 if kind is CompiledModel else compiled.num_traces > 1
    assert compilation_of(model.inner).num_traces == 0  # a part of the whole is traced with it, not by itself


def test_each_instance_is_compiled_by_itself_and_the_configuration_ends_with_its_with():
    with set_compilation_config(CompilationConfig()):
        one, two = Outer(1.0), Outer(2.0)
    plain = Outer(3.0)
    assert [model(X)[0, 0].item() for model in (one, two, plain)] == [1.0, 2.0, 3.0]
    assert compilation_of(one) is not compilation_of(two)
    assert compilation_of(plain) is None


def test_a_none_argument_has_to_stay_none():
    with set_compilation_config(CompilationConfig()):
        model = Outer()
    model(X)
    with pytest.raises(TypeError, match="Argument 1 was None"):
        model(X, residual=X)


def test_weights_and_state_dict_are_those_of_the_plain_class():
    with set_compilation_config(CompilationConfig()):
        compiled = support_torch_compile(type("Linear", (nn.Linear,), {}))(2, 2)
    assert list(compiled.state_dict()) == ["weight", "bias"]
    assert len(list(compiled.modules())) == 1


def test_only_a_module_class_can_be_opted_in():
    with pytest.raises(TypeError, match=r"class of torch.nn.Module, and got 3"):
        support_torch_compile(3)
