"""Launch-bound until which batch: where the time of an eager decode step stops being that of its CPU.

An eager step takes the longer of two times: the CPU's for its launches, which hardly know the batch, and the GPU's for
its kernels, which grow with it. Up to the crossover the CPU's is longer, and more requests ride along for nothing.
Everything follows from a profile, and a profile's constants are mostly assumed.

Not modelled: scheduling, and whatever else a server's CPU does besides launching.

>>> from mini_lib.sim.profiles import PROFILES
>>> until = [launch_bound_until(ModelConfig.gpt2(), "naive", PROFILES[device]) for device in ("H200", "L4")]
>>> until[0] > until[1] > 1, launch_bound_until(ModelConfig.llama_3_8b(), "naive", PROFILES["L4"])
(True, None)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from mini_lib.config import PRESETS, ModelConfig
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.costs import STYLES
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.price import steady_us
from mini_lib.sim.pricing import StepPricer
from mini_lib.sim.profiles import PROFILES

MAX_BATCH = 1024


class Crossover(NamedTuple):
    """One model in one style on one device: the crossover, and one step at batch 1, eager and from a full graph."""

    model: str
    style: str
    device: str
    until: int | None
    eager_us: float
    full_us: float


def launch_bound_until(
    config: ModelConfig, style: str, profile: DeviceProfile, context: int = 1024, max_batch: int = MAX_BATCH
) -> int | None:
    """Return the largest batch whose eager decode step is launch-bound; None: not even one request is.

    `max_batch` is the answer where that still is. Each request sees `context` positions, or as many as the model has.
    """
    pricer, context = StepPricer(config, style, profile), min(context, config.max_model_len)

    def gpu_is_slower(batch: int) -> bool:
        price = pricer.price(CUDAGraphMode.NONE, StepShape.decode(batch, context))
        return price.gpu_us >= price.launch_us

    # More requests never make the GPU's lead smaller, so halving finds the first batch at which it has one.
    return bisect_left(range(1, max_batch + 1), True, key=gpu_is_slower) or None


def crossover_table(
    models: Iterable[str] = tuple(PRESETS), devices: Iterable[str] = tuple(PROFILES), context: int = 1024
) -> list[Crossover]:
    """Return the crossover of every model in every style on every device."""
    devices = list(devices)
    return [
        _crossover(PRESETS[model], style, PROFILES[device], context)
        for style in STYLES
        for model in models
        for device in devices
    ]


def _crossover(config: ModelConfig, style: str, profile: DeviceProfile, context: int) -> Crossover:
    pricer, one = StepPricer(config, style, profile), StepShape.decode(1, min(context, config.max_model_len))
    eager_us, full_us = (steady_us(pricer.price(mode, one)) for mode in (CUDAGraphMode.NONE, CUDAGraphMode.FULL))
    until = launch_bound_until(config, style, profile, context)
    return Crossover(config.name, style, profile.name, until, eager_us, full_us)
