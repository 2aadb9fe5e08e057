"""Which graph a batch should use. Standard library only: no torch is needed to choose.

`default_capture_sizes` builds the ladders of four engines, `CaptureSizes` looks a batch up in a ladder,
`padding_waste` says what the ladder costs under a given traffic.
"""

from mini_lib.dispatch.capture_sizes import CaptureSizes, padding_waste
from mini_lib.dispatch.default_sizes import default_capture_sizes, prefill_capture_sizes

__all__ = ["CaptureSizes", "default_capture_sizes", "padding_waste", "prefill_capture_sizes"]
