"""What one step costs: five figures and a sum of maxima, so that when the GPU is done takes a few operations to say.

A step on the launch queue is max-plus arithmetic: every kernel starts at the maximum of two moments, and every moment
is an earlier one plus a constant. All of it folds into two terms. Either the GPU never waits for a launch of the step:
then it is done `gpu_us` after it was free. Or it waits for some launch last: then it is done `behind_us` after the CPU
began, which is the maximum, over all launches, of when the launch arrives plus the GPU's work from there on.
"""

from __future__ import annotations

from typing import NamedTuple


class StepPrice(NamedTuple):
    """One step on one device in one mode, in microseconds.

    Attributes:
        launch_us: CPU time of all launches, if none has to wait for a place in the queue.
        gpu_us: from the moment at which the GPU is free to the end of the step, if the launches are always ahead. The
            gaps are in it, that to the kernel before as well.
        behind_us: from the start of launching to the end of the step, if the GPU is idle.
        busy_us: the kernels alone.
        kernels: kernels launched one by one.
        graphs: graphs launched.
    """

    launch_us: float
    gpu_us: float
    behind_us: float
    busy_us: float
    kernels: int
    graphs: int

    def gpu_done_us(self, cpu_start_us: float, gpu_free_us: float) -> float:
        """Return when the GPU is done, if the CPU starts to launch at `cpu_start_us` and no launch has to wait.

        `gpu_free_us` is when it is done with what was launched before; minus infinity where that was nothing.
        """
        return max(cpu_start_us + self.behind_us, gpu_free_us + self.gpu_us)


def steady_us(price: StepPrice, host_us: float = 0.0) -> float:
    """Return the time per step of launching the same step again and again, with nobody waiting for its tokens.

    The slower of the two: the CPU, which also works for `host_us` on each step, or the GPU. It is what CUDA events
    around a long block of steps show, divided by the steps. A full queue changes nothing as long as CPU and GPU are
    each slow evenly: the CPU then waits for the GPU, which was the slower one anyway.

    >>> steady_us(StepPrice(launch_us=100.0, gpu_us=40.0, behind_us=110.0, busy_us=30.0, kernels=20, graphs=0))
    100.0
    """
    return max(price.launch_us + host_us, price.gpu_us)
