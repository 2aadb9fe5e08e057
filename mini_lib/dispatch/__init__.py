"""Which graph a batch should use. Standard library only: no torch is needed to choose.

`default_capture_sizes` builds the ladders of four engines, `CaptureSizes` looks a batch up in a ladder,
`padding_waste` says what the ladder costs under a given traffic. `CudagraphDispatcher` chooses the mode and the key of
a batch, `resolve_cudagraph_mode` says which policy attention leaves it. `set_forward_context` and `splitting_op` are
how a model is told how it runs and where it may be cut, without knowing by whom.
"""

from mini_lib.dispatch.capture_sizes import CaptureSizes, Ladder, padding_waste
from mini_lib.dispatch.default_sizes import default_capture_sizes, prefill_capture_sizes
from mini_lib.dispatch.dispatcher import CudagraphDispatcher
from mini_lib.dispatch.downgrade import AttentionCGSupport, resolve_cudagraph_mode
from mini_lib.dispatch.forward_context import ForwardContext, get_forward_context, set_forward_context
from mini_lib.dispatch.modes import BatchDescriptor, CUDAGraphMode
from mini_lib.dispatch.splitting_ops import split_by, splitting_op

__all__ = [
    "AttentionCGSupport",
    "BatchDescriptor",
    "CUDAGraphMode",
    "CaptureSizes",
    "CudagraphDispatcher",
    "ForwardContext",
    "Ladder",
    "default_capture_sizes",
    "get_forward_context",
    "padding_waste",
    "prefill_capture_sizes",
    "resolve_cudagraph_mode",
    "set_forward_context",
    "split_by",
    "splitting_op",
]
