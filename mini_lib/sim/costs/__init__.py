"""What a step is made of: its kernels, with the arithmetic and the memory traffic of each, from a config alone."""

from mini_lib.sim.costs.step import STYLES, bytes_read_per_step, forward_parts, step_kernels, weight_bytes

__all__ = ["STYLES", "bytes_read_per_step", "forward_parts", "step_kernels", "weight_bytes"]
