"""What a piece costs: one decode step of batch 1 cut into 1, 2, ... L + 1 graphs, everything else the same.

With one piece the step is a full graph, with L + 1 a piecewise one: attention runs eagerly at each cut, and is captured
like any other kernel where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import nn

from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.stepper import KVCaches, Stepper, fill, kv_caches_for
from mini_lib.bench.recording.timed import in_turns
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.compilation import BreakableCUDAGraphWrapper, CompilationMode
from mini_lib.config import ModelConfig
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode
from mini_lib.engine.device_step import Forward
from mini_lib.engine.forward import GraphedModel

STYLE, BATCH = "fused", 1
PIECEWISE = CUDAGraphMode.PIECEWISE


class CutAtSome(GraphedModel):
    """Makes a model ready for piecewise graphs that are cut at the attention of some layers alone."""

    def __init__(self, layers: frozenset[int], bench: Bench) -> None:
        super().__init__([(PIECEWISE, BatchDescriptor(BATCH))], CompilationMode.NONE, bench.device_module)
        self.layers = layers

    def forward(self, model: Callable[..., object]) -> Forward:
        """Return the model behind its graphs."""
        return BreakableCUDAGraphWrapper(
            model, device_module=self.device_module, pool=self.pool, cuts=lambda *args: args[-1] in self.layers
        )


def units(bench: Bench) -> Iterator[Unit]:
    """Yield a unit per model."""
    for config in map(bench.served, bench.plan.piece_models):
        yield Unit(f"pieces of {config.name}", partial(_pieces, bench, config))


def numbers_of_pieces(num_layers: int) -> list[int]:
    """Return 1, 2, then about twice as many each time, and one piece more than there are layers.

    >>> numbers_of_pieces(32)
    [1, 2, 3, 5, 9, 17, 33]
    """
    doubling = [1, *(1 + 2**power for power in range(num_layers.bit_length()))]
    return sorted({*(number for number in doubling if number <= num_layers), num_layers + 1})


def cut_layers(num_layers: int, pieces: int) -> frozenset[int]:
    """Return the layers whose attention is cut out, evenly spread.

    >>> sorted(cut_layers(8, 3)), len(cut_layers(8, 9))
    ([2, 6], 8)
    """
    cuts = pieces - 1
    return frozenset((2 * cut + 1) * num_layers // (2 * cuts) for cut in range(cuts))


def _pieces(bench: Bench, config: ModelConfig) -> Measured:
    if not bench.fits(config, BATCH):
        return Measured((), [f"{config.name} does not fit into this device's memory: its pieces are not measured."])
    bench.release()
    dtype = bench.dtype(config)
    model = models_of(config, [STYLE], bench.device, dtype)[STYLE]
    caches = kv_caches_for(config, BATCH, bench.plan.context, bench.device, dtype)
    steppers = {
        number: _stepper(bench, model, caches, config, number) for number in numbers_of_pieces(config.num_layers)
    }
    fill(caches)
    equal = {number: stepper.agrees(BATCH, PIECEWISE) for number, stepper in steppers.items()}
    calls = {number: partial(stepper.run, BATCH, PIECEWISE) for number, stepper in steppers.items()}
    times = in_turns(calls, bench.plan.rounds, bench.device_module)
    head = {"what": "pieces", "model": config.name, "style": STYLE, "batch": BATCH, "context": bench.plan.context}
    return Measured([{**head, "pieces": number, **times[number], "equal": equal[number]} for number in steppers])


def _stepper(bench: Bench, model: nn.Module, caches: KVCaches, config: ModelConfig, pieces: int) -> Stepper:
    ready = CutAtSome(cut_layers(config.num_layers, pieces), bench)
    return Stepper(model, ready, BATCH, bench.plan.context, caches)
