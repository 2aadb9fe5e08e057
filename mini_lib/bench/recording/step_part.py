"""Part "step": a decode step of every model, style, mode and batch size, all contestants of a batch size in turns."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from functools import partial
from typing import Any

from mini_lib.bench.recording.plan import MODES
from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.stepper import Stepper, fill, graphed, kv_caches_for
from mini_lib.bench.recording.timed import in_turns
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode

# Rounding to bfloat16 set lean and fused 3 to 6 % off naive in 12 to 32 layers on a CPU; a wrong kernel is about 100 %.
FAR = 0.3


class StepPart:
    """Makes the units of the part. The steppers of one model are kept until the next model's turn."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._of = ""  # whose steppers these are
        self._steppers: dict[str, Stepper] = {}
        self._refusals: list[str] = []

    def units(self) -> Iterator[Unit]:
        """Yield a unit per model and batch size."""
        for config in map(self.bench.served, self.bench.plan.models):
            for batch in self.bench.plan.batches:
                yield Unit(f"{config.name}, batch {batch}", partial(self.measure, config, batch), needs=config.name)

    def measure(self, config: ModelConfig, batch: int) -> Measured:
        """Return the rows of one batch size."""
        if not self.bench.fits(config, batch):
            return Measured((), [f"{config.name} with batch {batch} does not fit into this device's memory."])
        refusals = self._build(config)
        contestants = {(style, mode): stepper for style, stepper in self._steppers.items() for mode in MODES}
        reference = next(iter(self._steppers.values()))
        far = {style: stepper.distance(reference, batch) for style, stepper in self._steppers.items()}
        equal = {key: stepper.agrees(batch, key[1]) and far[key[0]] <= FAR for key, stepper in contestants.items()}
        calls = {key: partial(stepper.run, batch, key[1]) for key, stepper in contestants.items()}
        times = in_turns(calls, self.bench.plan.rounds, self.bench.device_module)
        head = {"model": config.name, "batch": batch, "context": self.bench.plan.context}
        rows = [_row(head, *key, times[key], far[key[0]], equal[key]) for key in contestants]
        return Measured(rows, refusals)

    def _build(self, config: ModelConfig) -> list[str]:
        """Build the steppers of a model, unless they are there. Return why a style is missing, once."""
        if self._of == config.name:
            return []
        self._steppers.clear()
        self.bench.release()
        plan, device, dtype = self.bench.plan, self.bench.device, self.bench.dtype(config)
        widest = max(batch for batch in plan.batches if self.bench.fits(config, batch))
        models = models_of(config, plan.styles, device, dtype)
        caches = kv_caches_for(config, widest, plan.context, device, dtype)
        sizes = sorted((batch for batch in plan.batches if batch <= widest), reverse=True)
        refusals = []
        for style, model in models.items():
            ready = graphed(style, MODES, sizes, self.bench.device_module)
            try:
                self._steppers[style] = Stepper(model, ready, widest, plan.context, caches)
            except Exception as error:  # a compiler may be missing; whatever it is, the other styles go on
                traceback.print_exc()
                refusals.append(f"{config.name} is not measured in style {style}: {_first_line(error)}")
        if not self._steppers:
            raise RuntimeError(f"{config.name} runs in no style here: {'; '.join(refusals)}")
        fill(caches)
        self._of = config.name
        return refusals


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _row(
    head: dict[str, Any], style: str, mode: CUDAGraphMode, times: dict[str, Any], distance: float, equal: bool
) -> dict[str, Any]:  # fmt: skip
    return {**head, "style": style, "mode": mode.name, **times, "distance": distance, "equal": equal}
