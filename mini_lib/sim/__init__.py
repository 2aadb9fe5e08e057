"""The same engine in virtual time: what a step costs on a device, and what a server of such steps is like.

Standard library only: it runs wherever Python runs, a browser included. Scheduler, event loops and dispatcher are the
real ones; simulated are the device and the passing of time.
"""

from mini_lib.sim.costs import bytes_read_per_step, step_kernels, weight_bytes
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import KernelCost, StepKernels, StepShape
from mini_lib.sim.pricing import StepPrice, StepPricer, steady_us
from mini_lib.sim.profiles import PROFILES
from mini_lib.sim.recorded import RecordedRun, load_recorded, recorded_runs
from mini_lib.sim.result import SimResult
from mini_lib.sim.runner import SimRunner
from mini_lib.sim.simulate import Simulation, simulate
from mini_lib.sim.startup import Startup, startup

__all__ = [
    "PROFILES",
    "DeviceProfile",
    "KernelCost",
    "RecordedRun",
    "SimResult",
    "SimRunner",
    "Simulation",
    "Startup",
    "StepKernels",
    "StepPrice",
    "StepPricer",
    "StepShape",
    "bytes_read_per_step",
    "load_recorded",
    "recorded_runs",
    "simulate",
    "startup",
    "steady_us",
    "step_kernels",
    "weight_bytes",
]
