"""Replay: the recorded nodes, one after the other, on the recorded addresses.

No module, no autograd and no shape is looked at any more: that is all a CPU can save. On a GPU one launch takes the
place of all, and that is the effect which graphs are for; do not take this loop's speed-up for it. And since it is one
launch, nobody who watches ops may see the nodes go by: they run below all modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import torch

from mini_lib.graphs.errors import FirstLine, StaleInputError
from mini_lib.graphs.inputs import ExternalInputs
from mini_lib.graphs.nodes import Node


def run(nodes: Sequence[Node]) -> None:
    """Carry out `nodes` in order. An error names the node: on a GPU it would be a device-side assert, or silence."""
    with ExitStack() as stack:
        stack.enter_context(torch._C.DisableTorchFunction())
        stack.enter_context(torch._C._DisableTorchDispatch())
        stack.enter_context(torch.inference_mode())  # shadows may be inference tensors: only this mode may write them
        if torch.is_autocast_enabled("cpu"):
            stack.enter_context(torch.autocast("cpu", enabled=False))  # the casts were recorded
        for node in nodes:
            try:
                node.step()
            except Exception as error:
                error.add_note(f"While replaying {node.name}. On a GPU no kernel checks its indices for you like this.")
                raise


def check_alive(inputs: ExternalInputs) -> None:
    """Raise torch's report if an input is held by nobody but the graph."""
    dead = inputs.dead()
    if not dead:
        return
    lines = [
        f"Dead tensor #{number} (data_ptr={one.data_ptr:#x}): {one.dtype} of shape {one.size}, "
        f"first read by {one.read_by}."
        for number, one in enumerate(dead, 1)
    ]
    rule = (
        "The graph reads this address, and the program has let go of the tensor on it: it was rebound (`x = new`) or "
        "went out of scope. Keep static inputs alive, and copy new values into them with copy_()."
    )
    raise StaleInputError(FirstLine.DEAD_INPUTS.value.format(count=len(dead)), "\n".join([*lines, rule]))
