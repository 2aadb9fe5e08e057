"""What an op's schema says: which arguments it writes, and which of its results are arguments handed back.

The text of a schema, `add_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)`, marks what is written and handed back
by a letter. The letters are looked up once per op.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor
from torch._ops import OpOverload


class Signature(NamedTuple):
    """An op's schema, as far as recording needs it."""

    name: str  # "aten.mm"
    arguments: tuple[str, ...]
    outs: tuple[str, ...]  # the `out=` arguments: write only, and resized if they do not fit
    returns: tuple[str | None, ...]  # per result the argument that it hands back, or None: a new tensor

    def argument(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the value that a call gave to the argument `name`."""
        return kwargs[name] if name in kwargs else args[self.arguments.index(name)]

    @property
    def takes_device(self) -> bool:
        """Whether the op can be told where to put its result."""
        return "device" in self.arguments


@lru_cache(maxsize=4096)
def signature_of(func: OpOverload) -> Signature:
    """Return what the schema of `func` says."""
    schema = func._schema
    written = {
        letter: argument.name
        for argument in schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
        for letter in argument.alias_info.before_set
    }
    return Signature(
        name=schema.name.replace("::", "."),
        arguments=tuple(argument.name for argument in schema.arguments),
        outs=tuple(argument.name for argument in schema.arguments if argument.is_out),
        returns=tuple(_handed_back(result, written) for result in schema.returns),
    )


def map_tensors(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return `value`, a tree of lists, tuples and dicts, with `change(tensor)` in place of each tensor."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        items = [map_tensors(item, change) for item in value]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)  # a named tuple has _make
    if isinstance(value, dict):
        return {key: map_tensors(item, change) for key, item in value.items()}
    return value


def _handed_back(result: Any, written: dict[str, str]) -> str | None:
    letters = result.alias_info.before_set if result.alias_info is not None else ()
    return next((written[letter] for letter in letters if letter in written), None)
