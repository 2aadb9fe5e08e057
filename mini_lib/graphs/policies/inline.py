"""A device that is infinitely fast: each launch runs before it returns.

Nothing can be out of order here, so a program that forgot to wait looks right. Run it on `lazy` to know.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from types import ModuleType

import torch
from torch import Tensor

from mini_lib.graphs.policies.work import Kernel, Launch, WorkLog, carry_out, packed
from mini_lib.timing import Span


class InlineDevice:
    """Runs work at launch, on the calling thread. All marks are reached at once."""

    def __init__(self, device_module: ModuleType) -> None:
        self._finish = device_module.synchronize  # on a GPU the work of a launch is done when the GPU says so
        self._log = WorkLog()

    def start(self, kernels: Sequence[Kernel]) -> None:
        """Nothing to get ready."""

    def new_stream(self, name: str) -> str:
        """A stream is its name."""
        return name

    def launch(self, stream: str, launch: Launch) -> None:
        """Run it now. A failure is kept for whoever waits next, as on a real device."""
        copied = launch._replace(args=pickle.loads(packed(launch.args)))
        if not self._log.failure:
            self._log.note(launch.name, carry_out(copied, self._finish))

    def mark(self, stream: str) -> None:
        """Everything before the mark has run."""

    def wait(self, stream: str, mark: None) -> None:
        """There is nothing left to wait for."""

    def synchronize(self, mark: None) -> None:
        """Only tell what failed."""
        self._log.check()

    def query(self, mark: None) -> bool:
        """Always reached."""
        self._log.check()
        return True

    def drain(self) -> None:
        """Only tell what failed."""
        self._log.check()

    def host_tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Plain memory."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def spans(self) -> list[Span]:
        """The times of the calls: the CPU's own."""
        return self._log.spans()

    def close(self) -> None:
        """Nothing to let go."""
