"""What happened in each step of a run: mode, padding, launches. Counted, never computed from a model's shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mini_lib.dispatch import CUDAGraphMode


class StepStats(NamedTuple):
    """One step. `kernels` and `graphs` are launches of the forward pass; `other_kernels` are those around it.

    Around it are the look-up of tokens, sampling, and keeping and sending the tokens: no graph holds them, as in
    vLLM. The copies of the batch to the device are not among them. All three are 0 where launches are not counted.
    """

    step: int
    mode: CUDAGraphMode
    num_requests: int
    num_tokens: int
    num_padded_tokens: int  # rows computed, padding included
    kernels: int
    graphs: int
    other_kernels: int

    @property
    def launches(self) -> int:
        """Launches of the forward pass: one per kernel and one per graph."""
        return self.kernels + self.graphs


@dataclass(frozen=True)
class EngineStats:
    """The steps of one run, in order of launch, and sums over them."""

    steps: tuple[StepStats, ...]

    @property
    def modes(self) -> Counter[CUDAGraphMode]:
        """How many steps ran in each mode."""
        return Counter(step.mode for step in self.steps)

    @property
    def launches(self) -> int:
        """Launches of all forward passes."""
        return sum(step.launches for step in self.steps)

    @property
    def graphs(self) -> int:
        """Graphs replayed."""
        return sum(step.graphs for step in self.steps)

    @property
    def padded_tokens(self) -> int:
        """Rows that were computed for nobody."""
        return sum(step.num_padded_tokens - step.num_tokens for step in self.steps)


def stats_of(steps: Iterable[StepStats]) -> EngineStats:
    """Return the statistics of `steps`, sorted by launch."""
    return EngineStats(tuple(sorted(steps, key=lambda step: step.step)))
