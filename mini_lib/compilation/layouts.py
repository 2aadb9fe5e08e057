"""How the arguments of a call become the inputs of a traced graph, and how the graph's outputs become its result.

Dynamo's graph takes the weights as inputs beside the arguments, and the number of tokens as an int, in an order of its
own; and it returns a flat tuple. Both are found out once, by identity: which input *is* argument 1, which output *is*
the second item of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

_TAKEN = (Tensor, int, float, bool, str, type(None))


@dataclass(frozen=True)
class ArgumentLayout:
    """Where each input of the graph comes from. `examples` are the arguments of the trace; `template` holds weights."""

    examples: tuple[Any, ...]
    template: tuple[Any, ...]
    argument_slots: tuple[tuple[int, int], ...]  # (place in the graph's inputs, place in the arguments)
    num_tokens_slots: tuple[int, ...]

    @classmethod
    def of(cls, forward: Callable[..., Any], examples: tuple[Any, ...], inputs: Sequence[Any]) -> ArgumentLayout:
        """Return the layout of a graph that was called with `inputs` when `forward` was called with `examples`.

        Raises:
            ValueError: the graph reads a tensor that is neither an argument nor a weight.
        """
        place = {id(example): i for i, example in enumerate(examples) if isinstance(example, Tensor)}
        slots = tuple((i, place[id(value)]) for i, value in enumerate(inputs) if id(value) in place)
        sizes = tuple(i for i, value in enumerate(inputs) if isinstance(value, int))
        taken = {slot for slot, _ in slots}
        template = [None if i in taken else value for i, value in enumerate(inputs)]
        _refuse_strangers(forward, [value for value in template if isinstance(value, Tensor)])
        return cls(examples, tuple(template), slots, sizes)

    def check(self, args: tuple[Any, ...]) -> int:
        """Return the number of tokens of `args`, after looking that they fit the trace in everything else."""
        if len(args) != len(self.examples):
            raise TypeError(f"The trace had {len(self.examples)} arguments, this call has {len(args)}.")
        for index, (example, arg) in enumerate(zip(self.examples, args, strict=True)):
            _check_same_kind(index, example, arg)
        return num_tokens_of(args)

    def fill(self, args: tuple[Any, ...], num_tokens: int) -> list[Any]:
        """Return the inputs of the graph for this call."""
        inputs = list(self.template)
        for slot, index in self.argument_slots:
            inputs[slot] = args[index]
        for slot in self.num_tokens_slots:
            inputs[slot] = num_tokens
        return inputs


@dataclass(frozen=True)
class ResultLayout:
    """How a result is put together: for each tensor in it, its place in the graph's outputs or in the arguments."""

    structure: pytree.TreeSpec
    from_output: tuple[int | None, ...]
    from_argument: tuple[int | None, ...]

    @classmethod
    def of(cls, result: Any, outputs: Sequence[Tensor], examples: Sequence[Any]) -> ResultLayout:
        """Return the layout of `result`, which Dynamo put together from `outputs`.

        Raises:
            TypeError: something in the result is neither a computed tensor nor one of the arguments.
        """
        leaves, structure = pytree.tree_flatten(result)
        from_output = tuple(_place(leaf, outputs) for leaf in leaves)
        from_argument = tuple(_place(leaf, examples) for leaf in leaves)
        for leaf, output, argument in zip(leaves, from_output, from_argument, strict=True):
            if output is None and argument is None:
                raise TypeError(f"forward returned {leaf!r}: a model that is traced once returns tensors it computed.")
        return cls(structure, from_output, from_argument)

    def arrange(self, outputs: Sequence[Any], args: Sequence[Any]) -> Any:
        """Return the result made of these outputs."""
        leaves = [
            args[argument] if output is None else outputs[output]  # type: ignore[index]
            for output, argument in zip(self.from_output, self.from_argument, strict=True)
        ]
        return pytree.tree_unflatten(leaves, self.structure)


def num_tokens_of(args: Sequence[Any]) -> int:
    """Return dim 0 of the tensors in `args`, 0 if there are none; a tensor without dims is a plain value.

    Raises:
        ValueError: they do not agree.
    """
    rows = {arg.shape[0] for arg in args if isinstance(arg, Tensor) and arg.dim()}
    if len(rows) > 1:
        raise ValueError(f"Dim 0 of every tensor is the number of tokens, and here it is {sorted(rows)}.")
    return rows.pop() if rows else 0


def _place(value: Any, among: Sequence[Any]) -> int | None:
    return next((i for i, other in enumerate(among) if other is value and isinstance(value, Tensor)), None)


def refuse_containers(args: Sequence[Any]) -> None:
    """Refuse arguments that Dynamo would look into, and whose parts would become constants of the graph."""
    for index, example in enumerate(args):
        if not isinstance(example, _TAKEN):
            raise TypeError(
                f"Argument {index} is a {type(example).__name__}. A traced model takes tensors, None and plain values; "
                "what attention needs beside them belongs into the forward context."
            )


def _refuse_strangers(forward: Callable[..., Any], constants: list[Tensor]) -> None:
    """Refuse tensors that came from elsewhere: what they are at the trace, the graph would use for ever."""
    module = getattr(forward, "__self__", None)
    if not isinstance(module, torch.nn.Module):
        return
    own = {id(value) for part in module.modules() for value in vars(part).values()}
    own |= {id(value) for value in (*module.parameters(), *module.buffers())}
    for tensor in constants:
        if id(tensor) not in own:
            raise ValueError(
                f"{type(module).__name__}.forward reads a tensor of shape {tuple(tensor.shape)} that is neither an "
                "argument nor a weight. The trace would keep it for ever. Pass it as an argument, register it as a "
                "buffer, or read it inside a splitting op."
            )


def _check_same_kind(index: int, example: Any, arg: Any) -> None:
    if isinstance(example, Tensor) and isinstance(arg, Tensor):
        fits = arg.dtype == example.dtype and arg.device == example.device and arg.shape[1:] == example.shape[1:]
        if fits and arg.dim() == example.dim():
            return
    elif not isinstance(example, Tensor) and not isinstance(arg, Tensor) and example == arg:
        return
    raise TypeError(
        f"Argument {index} was {_describe(example)} when the model was traced, and is {_describe(arg)} now. Only dim 0 "
        "of a tensor may change; None stays None, and a plain value keeps its value."
    )


def _describe(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    return f"{value.dtype} of shape (*, {', '.join(map(str, value.shape[1:]))}) on {value.device}"
