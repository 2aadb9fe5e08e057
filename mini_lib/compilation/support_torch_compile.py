"""A decorator that opts a model class in: its instances compile themselves, if they are made where that is asked for.

The model says *that* it can be traced once (one graph, dim 0 of every tensor argument is the number of tokens, None
stays None); who makes it says *how* it is compiled. Elsewhere the class behaves as if it were not decorated. The seam
is vLLM's (`@support_torch_compile`, version 0.33.0), where the configuration comes with the constructor.

>>> import torch
>>> @support_torch_compile
... class Double(torch.nn.Module):
...     def forward(self, x: torch.Tensor) -> torch.Tensor:
...         return x * 2
>>> plain = Double()
>>> with set_compilation_config(CompilationConfig()):
...     compiled = Double()
>>> compilation_of(plain), compilation_of(compiled).num_traces
(None, 0)
>>> compiled(torch.ones(3)), compiled(torch.ones(1)), compilation_of(compiled).num_traces
(tensor([2., 2., 2.]), tensor([2.]), 1)

Not modelled: dynamic dims other than 0; module hooks, which a compiled instance does not run.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch

from mini_lib.compilation.compiled_model import (
    CompilationConfig,
    CompiledModel,
    StockCompiledModel,
    compile_model,
)
from mini_lib.compilation.modes import CompilationMode

ModelClass = TypeVar("ModelClass", bound=type[torch.nn.Module])

_config: ContextVar[CompilationConfig | None] = ContextVar("compilation_config", default=None)
_COMPILED = "_compiled_forward"


@contextmanager
def set_compilation_config(config: CompilationConfig | None) -> Iterator[None]:
    """Let models that opted in be compiled so, if they are made within the `with`; then put back what was."""
    before = _config.set(config)
    try:
        yield
    finally:
        _config.reset(before)


def support_torch_compile(model_class: ModelClass) -> ModelClass:
    """Opt a module class in, and return it.

    Raises:
        TypeError: it is no subclass of `torch.nn.Module`.
    """
    if not (isinstance(model_class, type) and issubclass(model_class, torch.nn.Module)):
        raise TypeError(f"support_torch_compile decorates a class of torch.nn.Module, and got {model_class!r}.")
    plain_init, plain_call = model_class.__init__, model_class.__call__

    @functools.wraps(plain_init)
    def init(self: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        plain_init(self, *args, **kwargs)
        config = _config.get()
        if config is not None and config.mode is not CompilationMode.NONE:
            self.__dict__[_COMPILED] = compile_model(self, config)

    @functools.wraps(plain_call)
    def call(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        compiled = compilation_of(self)
        if compiled is None or torch.compiler.is_compiling():  # as a part of a model that is being traced
            return plain_call(self, *args, **kwargs)
        return compiled(*args, **kwargs)

    model_class.__init__, model_class.__call__ = init, call  # type: ignore[method-assign]
    return model_class


def compilation_of(model: torch.nn.Module) -> CompiledModel | StockCompiledModel | None:
    """Return what `model` runs as, None if it runs as it is written."""
    return model.__dict__.get(_COMPILED)
