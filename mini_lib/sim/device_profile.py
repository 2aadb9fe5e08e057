"""A device and its host, as constants: each with its source, or the word "assumed"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from mini_lib.timing import LaunchCosts


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a GPU and the CPU that feeds it take for the things that a step is made of.

    Attributes:
        name: what people call it: "H200".
        copy_gb_per_s: bytes that large kernels read and write, in 1e9 a second: what is reached, not the data sheet.
        tflops: arithmetic of large 16-bit matrix products, in 1e12 operations a second: what is reached.
        kernel_us: GPU time that any kernel takes on top of its work.
        launch: what launching takes.
        own_op_us: CPU time that a kernel of the course's own takes on top of that: Python between torch and Triton.
        step_us: CPU time that a step takes apart from launches: scheduling, staging, processing.
        request_us: CPU time that each request adds to that.
        capture_node_us: CPU time that each node adds to the capture of a graph, warm-up and instantiation included.
        graph_node_bytes: device memory that each node of a graph takes.
        sources: where each number is from, by the name of its field; a field that is not named is "assumed".
    """

    name: str
    copy_gb_per_s: float
    tflops: float
    kernel_us: float
    launch: LaunchCosts
    step_us: float
    request_us: float
    capture_node_us: float
    graph_node_bytes: float
    own_op_us: float = 0.0
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("copy_gb_per_s", "tflops"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{self.name}: {name} is {getattr(self, name)}, and it must be a number above 0.")
        for name in ("kernel_us", "step_us", "request_us", "capture_node_us", "graph_node_bytes", "own_op_us"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{self.name}: {name} is {getattr(self, name)}, and it must be a number, 0 or more.")
        unknown = sorted(set(self.sources) - {one.name for one in fields(self)})
        if unknown:
            raise ValueError(f"{self.name}: {unknown} have a source and are no fields of a profile.")

    def source_of(self, name: str) -> str:
        """Return where the number called `name` is from: a source, or "assumed"."""
        return self.sources.get(name, "assumed")

    def with_values(self, **values: Any) -> DeviceProfile:
        """Return the same profile with other values."""
        return replace(self, **values)
