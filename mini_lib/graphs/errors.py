"""What a capture or a replay refuses, in CUDA's words first and in ours below.

::

    torch.AcceleratorError          (RuntimeError in torches that have none)
    └── GraphError                  anything that a graph refuses
        ├── CaptureError            while recording: read back, data-dependent shape, pageable copy, nested capture
        ├── StaleInputError         before a replay: an input died, moved or changed its shape
        └── NoGraphError            a replay of what was never captured

The class is torch's own, so one `except torch.AcceleratorError` (or `RuntimeError`) serves the GPU and its twin. The
first line of a message is CUDA's or torch's, exactly: what a student searches for is what others have asked about. Then
comes an empty line and our paragraph: what was tried, the rule, the way out.

Not modelled: the rest of torch's message ("Search for `cuda...' in https://...", CUDA_LAUNCH_BLOCKING, a C++ stack),
which differs between torch versions.
"""

from __future__ import annotations

from enum import StrEnum

import torch

AcceleratorError: type[RuntimeError] = getattr(torch, "AcceleratorError", RuntimeError)


class FirstLine(StrEnum):
    """The first lines of torch's messages, as CUDA users know them. The name ends in CUDA's number where it has one."""

    UNSUPPORTED_900 = "CUDA error: operation not permitted when stream is capturing"
    INVALIDATED_901 = "CUDA error: operation failed due to a previous error during capture"
    PAGEABLE_COPY = (
        "Cannot copy between CPU and CUDA tensors during CUDA graph capture unless the CPU tensor is pinned. "
        "Please use tensor.pin_memory() or allocate the tensor with pin_memory=True."
    )
    ALREADY_CAPTURED = (
        "This CUDAGraph instance already owns a captured graph. To capture a new graph, create a new instance."
    )
    REPLAY_TOO_EARLY = "Called CUDAGraph::replay without a preceding successful capture."
    POOL_TOO_EARLY = "Called CUDAGraph::pool() without a preceding successful capture."
    DEFAULT_STREAM = (
        "CUDA graphs must be captured on a non-default stream. "
        "(However, after capture, it's ok to replay them on the default stream.)"
    )
    OTHER_STREAM = "Capture must end on the same stream it began on."
    END_BEFORE_BEGIN = "capture_end() called before capture_begin()."
    REPLAY_WHILE_CAPTURING = "Cannot prepare for replay during capturing stage."
    SEED_WHILE_CAPTURING = (
        "Cannot call CUDAGeneratorImpl::set_current_seed during CUDA graph capture. If you need this call to be "
        "captured, please file an issue. Current cudaStreamCaptureStatus: cudaStreamCaptureStatusActive"
    )
    DEAD_INPUTS = "CUDA graph replay detected {count} dead tensor(s)."
    TWIN_ONLY = "The CPU twin of torch.cuda.CUDAGraph does not model this."


EMPTY_GRAPH_WARNING = (
    "The CUDA Graph is empty. This usually means that the graph was attempted to be captured on wrong device or stream."
)


class GraphError(AcceleratorError):  # type: ignore[misc, valid-type]
    """A refusal: `first_line` is what torch says on CUDA, `hint` is our paragraph under it."""

    def __init__(self, first_line: str, hint: str = "") -> None:
        self.first_line = str(first_line)
        self.hint = hint
        super().__init__(f"{self.first_line}\n\n{hint}" if hint else self.first_line)


class CaptureError(GraphError):
    """Something in the captured region cannot be recorded."""


class StaleInputError(GraphError):
    """A graph would read an input that is gone, has moved, or has another shape."""


class NoGraphError(GraphError):
    """There is no captured graph to replay."""
