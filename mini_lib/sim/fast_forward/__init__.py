"""The event loops in leaps: what they compute is what stepping computes, bit for bit, in a fraction of the time."""

from mini_lib.sim.fast_forward.loops import fast_loop_normal, fast_loop_overlap

__all__ = ["fast_loop_normal", "fast_loop_overlap"]
