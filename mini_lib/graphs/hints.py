"""The second paragraph of a refusal: which op it was, the rule that it breaks, and the way out."""

from __future__ import annotations

from collections.abc import Callable

from mini_lib.graphs.rules import Treatment

_SPELLING_OF = {
    "item": ".item()",
    "__bool__": "bool(tensor): if, while, and, or",
    "__int__": "int(tensor)",
    "__float__": "float(tensor)",
    "__complex__": "complex(tensor)",
    "__index__": "a tensor used as a Python index or length",
    "__getitem__": "tensor[...]",
    "__setitem__": "tensor[...] = ...",
    "__format__": "formatting a tensor",
    "__contains__": "`in` a tensor",
    "one_hot": "one_hot without num_classes",
    "allclose": "torch.allclose",
    "equal": "torch.equal",
}


def hint_for(treatment: Treatment, op: str, call: str) -> str:
    """Return our paragraph for a refused op. `call` is the Python name under which the student called it, if known."""
    spelling = _SPELLING_OF.get(call, "" if op.endswith(call) else call)
    return _HINTS[treatment](f"{op} (from {spelling})" if spelling else op)


def _read_back(op: str) -> str:
    return (
        f"{op} reads a value back to the CPU, and during capture there is no value yet. "
        "Keep the decision on the device (torch.where), or move it out of the graph."
    )


def _dynamic_shape(op: str) -> str:
    return (
        f"{op} returns as many elements as the data says, and a graph has fixed shapes. "
        "Keep the full shape and mask it (torch.where, masked_fill), or move it out of the graph."
    )


def _host_copy(op: str) -> str:
    return (
        f"{op} copies a Python number, list or array from ordinary CPU memory to the GPU, and nobody would be there to "
        "do it at each replay. Make it a tensor on the device before the capture. "
        "The capture goes on if you catch this error."
    )


_HINTS: dict[Treatment, Callable[[str], str]] = {
    Treatment.READ_BACK: _read_back,
    Treatment.DYNAMIC_SHAPE: _dynamic_shape,
    Treatment.HOST_COPY: _host_copy,
}
