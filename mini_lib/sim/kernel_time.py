"""How long one kernel keeps a GPU busy: a fixed time, and the roofline with its corner rounded off.

    time = kernel_us + hypot(bytes / bandwidth, operations / throughput)

The fixed time is added, not a floor: a kernel starts its blocks, fills its pipelines and drains them whatever its size,
as a message takes its latency and then its bytes over the bandwidth. Memory and arithmetic overlap, so that the longer
one counts; but not perfectly, and where both are equal neither hides the other. `hypot` is such a maximum and needs no
constant: it adds 41 % at the ridge, 5 % at a third of it, 0.5 % at a tenth. That this is how much is assumed; recorded
runs refute it where it is wrong, on shapes that the fit has not seen (`bench fit`).

Not modelled: caches, tiles that a shape fills in part, kernels too narrow to use all multiprocessors, clocks that sink
with the temperature.

>>> from mini_lib.sim.profiles import PROFILES
>>> silu_and_mul = KernelCost("mini_lib.silu_and_mul", flops=0, num_bytes=4_300_000)
>>> round(kernel_us(silu_and_mul, PROFILES["H200"]), 6)
2.2
"""

from __future__ import annotations

import math
from typing import NamedTuple

from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import KernelCost


def kernel_us(cost: KernelCost, profile: DeviceProfile) -> float:
    """Return the microseconds for which `cost` keeps the GPU of `profile` busy, gaps around it not counted."""
    moving_us = cost.num_bytes / (profile.copy_gb_per_s * 1e3)  # 1e9 bytes a second are 1e3 a microsecond
    computing_us = cost.flops / (profile.tflops * 1e6)
    return profile.kernel_us + math.hypot(moving_us, computing_us)


class GrowingKernel(NamedTuple):
    """A kernel whose arithmetic and traffic grow in proportion to something: attention. Its times in microseconds."""

    fixed_us: float
    moving_us: float
    moving_per_us: float
    computing_us: float
    computing_per_us: float

    @classmethod
    def between(cls, none: KernelCost, one: KernelCost, profile: DeviceProfile) -> GrowingKernel:
        """Return the kernel that costs `none` at 0 and `one` at 1, of what its arithmetic and its traffic grow with."""
        byte_us, op_us = 1 / (profile.copy_gb_per_s * 1e3), 1 / (profile.tflops * 1e6)
        return cls(
            profile.kernel_us,
            none.num_bytes * byte_us,
            (one.num_bytes - none.num_bytes) * byte_us,
            none.flops * op_us,
            (one.flops - none.flops) * op_us,
        )

    def us(self, moved: float, computed: float) -> float:
        """Return its time for so much traffic and so much arithmetic: what `kernel_us` says, a few times as fast."""
        moving_us = self.moving_us + self.moving_per_us * moved
        return self.fixed_us + math.hypot(moving_us, self.computing_us + self.computing_per_us * computed)
