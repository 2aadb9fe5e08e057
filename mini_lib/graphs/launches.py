"""How many launches a stretch of a program costs: kernels one by one, and graphs at one launch each.

A kernel counts where a capture would record a node, by the rules of `rules.py`: views, shapes and empty allocations
cost no launch, a composite op costs what it is made of, a custom op costs one. A replay counts once, whatever is in the
graph; whoever replays says so with `note_graph_launch()`. What a capture records is launched by nobody, so it does not
count.

>>> x = torch.ones(4)
>>> with count_launches() as launches:
...     y = (x * 2).view(2, 2).relu()
>>> launches.kernels, launches.graphs, launches.names
(2, 0, ('aten.mul', 'aten.relu'))

Not modelled: how many kernels an op is on a GPU (a CPU's `rms_norm` is five ops, a fused one is one); copies between
ordinary CPU memory and the device, which the twin cannot tell from reads; work of other threads and of a forked worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from mini_lib.graphs.inputs import ExternalInputs
from mini_lib.graphs.rules import Treatment, op_name, treatment_of
from mini_lib.graphs.signatures import signature_of
from mini_lib.graphs.streams import is_current_stream_capturing

_LAUNCHES = (Treatment.RECORD, Treatment.DYNAMIC_SHAPE)  # eagerly both run; only a capture refuses the second


class Launches:
    """What was launched so far: `names` of kernels in order, and the number of `graphs` replayed."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self.graphs = 0

    @property
    def kernels(self) -> int:
        """Kernels launched one by one. Those inside a replayed graph are not among them."""
        return len(self._names)

    @property
    def names(self) -> tuple[str, ...]:
        """The op of each kernel, in order, as `CUDAGraph.nodes` of the twin spells it: "aten.mm"."""
        return tuple(self._names)

    @property
    def by_name(self) -> dict[str, int]:
        """How many kernels of each op, the most frequent first."""
        return dict(Counter(self._names).most_common())

    @property
    def total(self) -> int:
        """Launches in all: one per kernel and one per graph."""
        return self.kernels + self.graphs

    def note_kernel(self, name: str) -> None:
        """Count one kernel."""
        self._names.append(name)

    def __repr__(self) -> str:
        return f"<Launches: {self.kernels} kernels, {self.graphs} graphs>"


@contextmanager
def count_launches() -> Iterator[Launches]:
    """Count the launches of this thread for the length of a `with`. Counters may be nested: each sees them all."""
    launches = Launches()
    token = _active.set((*_active.get(), launches))
    try:
        with _Watch(launches):
            yield launches
    finally:
        _active.reset(token)


def note_graph_launch() -> None:
    """Say that one captured graph was launched, as everything does that replays one."""
    for launches in _active.get():
        launches.graphs += 1


class _Watch(TorchDispatchMode):
    """Sees each op below autograd, counts it if it is a kernel, and lets it run."""

    def __init__(self, launches: Launches) -> None:
        super().__init__()
        self.launches = launches
        self.numbers = ExternalInputs()  # `x[mask] = 5.0` is a fill because 5.0 is a plain number: remember which are

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Let `torch.compile` work as if nobody watched: it steps aside for a mode that says no."""
        return True

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_capturing():
            return func(*args, **kwargs)
        treatment = treatment_of(func, args, kwargs, self.numbers.is_number)
        if treatment is Treatment.TAKE_APART:
            with self:
                return func.decompose(*args, **kwargs)
        if treatment in _LAUNCHES:
            self.launches.note_kernel(signature_of(func).name)
        result = func(*args, **kwargs)
        if op_name(func) == "lift_fresh" and result.dim() == 0:
            self.numbers.note_number(result)
        return result


def _is_capturing() -> bool:
    return is_current_stream_capturing() or (torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing())


_active: ContextVar[tuple[Launches, ...]] = ContextVar("active_launch_counters", default=())
