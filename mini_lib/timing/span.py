"""A span: one thing that one lane did, from one moment to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

CPU = "CPU"
GPU = "GPU"


@dataclass(frozen=True, slots=True)
class Span:
    """What `lane` did between `start_us` and `end_us`, in microseconds on one clock.

    Lanes are called "CPU" and "GPU" where there is one of each. A span of no length is legal: it marks a moment.

    Raises:
        ValueError: it ends before it starts, or one of its ends is not a finite number.
    """

    lane: str
    name: str
    start_us: float
    end_us: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_us) and math.isfinite(self.end_us)):
            raise ValueError(f"{self._title} runs from {self.start_us} to {self.end_us} us: both must be finite.")
        if self.end_us < self.start_us:
            raise ValueError(f"{self._title} starts at {self.start_us} us and ends before that, at {self.end_us} us.")

    @property
    def duration_us(self) -> float:
        """How long it took."""
        return self.end_us - self.start_us

    @property
    def _title(self) -> str:
        return f"the span {self.name!r} on lane {self.lane!r}"
