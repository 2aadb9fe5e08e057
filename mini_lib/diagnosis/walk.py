"""A walk through a function that notes what a capture would refuse, and goes on where a capture would stop.

The function runs for real, on real values, under two torch modes that see what a recording sees: each op below
autograd, classified by `graphs.rules`, and the calls that copy to the CPU (`graphs.host_reads`). Waiting for the device
is noted as well: in place of a recording there stands one that notes. Each note has the line of the user's code.

Not seen: what Python decides by itself. One call takes one branch, and plain numbers that it computes go into kernels
as constants. On CUDA, calls of `torch.cuda` itself (`synchronize`) are not seen here: the capture after the walk is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mini_lib.diagnosis.obstacle import Obstacle
from mini_lib.diagnosis.user_line import user_line
from mini_lib.graphs.errors import CaptureError, FirstLine
from mini_lib.graphs.hints import hint_for
from mini_lib.graphs.host_reads import copy_with_host, host_copy_hint
from mini_lib.graphs.inputs import ExternalInputs
from mini_lib.graphs.rules import Treatment, op_name, treatment_of
from mini_lib.graphs.signatures import signature_of
from mini_lib.graphs.streams import state

_REFUSED = (Treatment.READ_BACK, Treatment.DYNAMIC_SHAPE, Treatment.HOST_COPY)


class Walk:
    """What was seen on the way: kernels as names, obstacles between them, in order."""

    def __init__(self) -> None:
        self.steps: list[str | Obstacle] = []
        self.ended_early = False

    def refuse(self, first_line: FirstLine, hint: str) -> None:
        """Note what would spoil a recording, as `Recording.refuse` is told of it; end the walk at a nested capture."""
        self.note(first_line, hint)
        if "capture" in hint.partition(" waits for the GPU")[0]:
            self.ended_early = True
            raise _WalkEndsError(first_line, hint)

    def check_not_spoiled(self) -> None:
        """Go on: what was refused before has been noted."""

    def note(self, first_line: str, hint: str) -> None:
        """Note one obstacle at the line that runs now."""
        self.steps.append(Obstacle(str(first_line), hint, user_line()))


class _WalkEndsError(CaptureError):
    """The walk cannot go on behind this."""


def walk_through(fn: Callable[..., object], inputs: tuple[Any, ...]) -> Walk:
    """Call `fn` once, for real, and return what a capture would have met."""
    walk, before = Walk(), state.recording
    reads = _NotesReads(walk)
    state.recording = walk  # type: ignore[assignment]
    try:
        with reads, _NotesOps(walk, reads):
            fn(*inputs)
    except _WalkEndsError:
        pass
    finally:
        state.recording = before
    return walk


class _NotesReads(TorchFunctionMode):
    """Notes copies between CPU and GPU that never reach the dispatcher, and lets them happen."""

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk, self.call = walk, ""
        self.is_copying = False

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        copy = copy_with_host(func, args, kwargs)
        if copy is None or self.is_copying:
            self.call = getattr(func, "__name__", "")
            try:
                return func(*args, **kwargs)
            finally:
                self.call = ""  # ops that no such call makes (torch.from_numpy) are not from it
        self.walk.note(FirstLine.PAGEABLE_COPY, host_copy_hint(*copy))
        self.is_copying = True  # printing a tensor does many things; one note says it
        try:
            return func(*args, **kwargs)
        finally:
            self.is_copying = False


class _NotesOps(TorchDispatchMode):
    """Sees each op, notes it as a kernel or as an obstacle, and lets it run."""

    def __init__(self, walk: Walk, reads: _NotesReads) -> None:
        super().__init__()
        self.walk, self.reads, self.numbers = walk, reads, ExternalInputs()

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.reads.is_copying:
            return func(*args, **kwargs)
        treatment = treatment_of(func, args, kwargs, self.numbers.is_number)
        if treatment is Treatment.TAKE_APART:
            with self:
                return func.decompose(*args, **kwargs)
        self._note(func, treatment, args, kwargs)
        result = func(*args, **kwargs)
        if op_name(func) == "lift_fresh" and result.dim() == 0:
            self.numbers.note_number(result)
        return result

    def _note(self, func: OpOverload, treatment: Treatment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = signature_of(func).name
        if treatment in _REFUSED:
            line = FirstLine.PAGEABLE_COPY if treatment is Treatment.HOST_COPY else FirstLine.UNSUPPORTED_900
            self.walk.note(line, hint_for(treatment, name, self.reads.call))
        elif treatment is Treatment.RECORD and (direction := _leaves_the_gpu(func, args, kwargs)):
            self.walk.note(FirstLine.PAGEABLE_COPY, host_copy_hint(name, direction))
        elif treatment is Treatment.RECORD:
            self.walk.steps.append(name)


def _leaves_the_gpu(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return "to" or "from" if the op copies between a GPU and ordinary CPU memory, as only a machine with one can."""
    name = op_name(func)
    if name == "copy_" and isinstance(args[1], Tensor):
        source, target, pinned = args[1].device.type, args[0].device.type, _is_pinned(args[0]) or _is_pinned(args[1])
    elif name == "_to_copy" and kwargs.get("device") is not None:
        source, target = args[0].device.type, torch.device(kwargs["device"]).type
        pinned = _is_pinned(args[0]) or bool(kwargs.get("pin_memory"))
    else:
        return ""
    return "" if source == target or pinned else "to" if target == "cpu" else "from"


def _is_pinned(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and torch.cuda.is_available() and tensor.is_pinned()
