"""Trace a forward pass once, keep what the backend built, and never ask Dynamo again.

Production drops Dynamo's guards, so that one graph serves every batch size. We go one step further and leave Dynamo
out after the trace: `trace_once` notes which of the graph's inputs are the caller's arguments, which are weights and
which is the number of tokens, and later calls fill them in and run what the backend built. Three reasons. Sizes 0 and 1
would be compiled again, because Dynamo takes them for special. Guards cost time at each call, and dropping them is an
option that changed from release to release. And Dynamo steps aside while anybody watches torch's ops, as our CPU twin
does during capture: the uncut model would run in place of the pieces.

The trace runs nothing, as a capture does: Dynamo sees made-up inputs of the right shapes, with at least two tokens, and
what stands in for the compiled graph returns empty tensors, by whose identity the results are told apart.

What guards would have noticed is refused instead: another dtype, another shape beyond dim 0, another plain value, None
where a tensor was; a batch size for which the model would have taken another branch. Not noticed: a weight replaced by
another tensor (write into the old one), attributes of the model that changed, and things appended to lists.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule

from mini_lib.compilation.graph_breaks import explain_graph_breaks
from mini_lib.compilation.layouts import ArgumentLayout, ResultLayout, num_tokens_of, refuse_containers
from mini_lib.compilation.side_effects import refuse_assignments
from mini_lib.compilation.size_branches import SizeBranches

Backend = Callable[[GraphModule, list[Any]], Callable[..., Any]]
_serial = itertools.count()


class TracedForward:
    """A forward pass as it was traced: call it as the model was called. `built` is what the backend returned."""

    def __init__(
        self, built: Callable[..., Any], arguments: ArgumentLayout, results: ResultLayout, branches: SizeBranches
    ) -> None:
        self.built = built
        self._arguments, self._results, self._branches = arguments, results, branches

    @property
    def num_tokens_seen(self) -> frozenset[int]:
        """The batch sizes that were looked at, and found to fit the trace."""
        return self._branches.num_tokens_seen

    def __call__(self, *args: Any) -> Any:
        """Run the built graph.

        Raises:
            TypeError, ValueError: the arguments differ from those of the trace in more than the number of tokens.
        """
        num_tokens = self._arguments.check(args)
        self._branches.check(num_tokens)
        return self._results.arrange(self.built(*self._arguments.fill(args, num_tokens)), args)


def trace_once(forward: Callable[..., Any], args: Sequence[Any], backend: Backend) -> TracedForward:
    """Return `forward` as one graph, built by `backend` for any number of tokens. Nothing of it is run.

    Args:
        forward: a function of tensors, or a module's bound `forward`.
        args: arguments by position, such as a later call may have: dim 0 of each tensor is the number of tokens.
        backend: a `torch.compile` backend; it is called once.

    Raises:
        TypeError: an argument is neither a tensor nor a plain value.
        ValueError: the tensors have different numbers of tokens; `forward` reads a tensor that is neither an argument
            nor a weight, or sets attributes of its module.
        GraphBreakError: Dynamo cannot write `forward` down as one graph; the message names the line.
        RuntimeError: Dynamo did not trace at all.
    """
    refuse_containers(args)
    num_tokens_of(args)  # all tensors must agree
    recorder = _Recorder(backend)
    try:
        return _trace(forward, _made_up(args), recorder)
    finally:
        vars(recorder).clear()  # torch keeps every backend it has seen: it would keep the model and its graphs


def _trace(forward: Callable[..., Any], examples: tuple[Any, ...], recorder: _Recorder) -> TracedForward:
    with torch.no_grad(), refuse_assignments(forward), explain_graph_breaks(forward, recorder):
        result = torch.compile(afresh(forward), backend=recorder, fullgraph=True)(*examples)
    assert recorder.built is not None
    arguments = ArgumentLayout.of(forward, examples, recorder.inputs)
    results = ResultLayout.of(result, recorder.outputs, examples)
    return TracedForward(recorder.built, arguments, results, recorder.branches)


class _Recorder:
    """A backend that has another one build the graph, and whose own compiled function only looks at its inputs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.built: Callable[..., Any] | None = None
        self.error: Exception | None = None

    def __call__(self, gm: GraphModule, example_inputs: list[Any]) -> Callable[..., Any]:
        self.branches = SizeBranches.of(gm)
        num_outputs = len(gm.graph.output_node().args[0])  # type: ignore[arg-type]
        try:
            self.built = self._backend(gm, example_inputs)
        except Exception as error:
            self.error = error
            raise
        self.outputs = [torch.empty(0) for _ in range(num_outputs)]
        return self._look

    def _look(self, *inputs: Any) -> tuple[Tensor, ...]:
        self.inputs = inputs
        return tuple(self.outputs)


def _made_up(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments for Dynamo to look at: tensors of two rows or more, no two the same."""
    return tuple(_example(arg) if isinstance(arg, Tensor) and arg.dim() else arg for arg in args)


def _example(arg: Tensor) -> Tensor:
    example = arg.new_zeros((max(2, arg.shape[0]), *arg.shape[1:]))  # Dynamo bakes sizes 0 and 1 into the graph
    torch._dynamo.maybe_mark_dynamic(example, 0)
    return example


def afresh(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return `forward` as a function that Dynamo has not seen: it counts recompilations per code object."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, **kwargs)

    code = call.__code__.replace(co_name=f"trace_{next(_serial)}")
    own_globals = {"__builtins__": __builtins__, "__name__": __name__}  # Dynamo leaves things there
    return FunctionType(code, own_globals, code.co_name, None, call.__closure__)
