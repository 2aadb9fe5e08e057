"""Records one part: unit after unit, each kept as soon as it is measured, until the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType

import torch

from mini_lib.bench.provenance import command_line, machine, on_gpu, one_cpu_thread
from mini_lib.bench.recording import captures, chains, generation, pieces
from mini_lib.bench.recording.file import RecordingFile
from mini_lib.bench.recording.overlap_sweep import OverlapSweep
from mini_lib.bench.recording.plan import QUICK, Plan
from mini_lib.bench.recording.step_part import StepPart
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.graphs.progress import progress_bar
from mini_lib.model.kernels import kernels_run_here

PARTS: dict[str, Callable[[Bench], Iterator[Unit]]] = {
    "launch": lambda bench: chain(chains.units(bench), pieces.units(bench), captures.units(bench)),
    "step": lambda bench: StepPart(bench).units(),
    "serve": lambda bench: chain(OverlapSweep(bench).units(), generation.units(bench)),
}
CAUTION = 1.5  # the next unit may take so many times as long as the longest so far


def record_part(
    part: str,
    plan: Plan,
    device_module: ModuleType,
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    seconds: float,
    progress: bool = True,
) -> RecordingFile:
    """Measure what is left of a part, for about so many seconds, and return the file with all that was measured.

    `folder` None keeps nothing. Times of the twin are recorded as such, and only by the quick plan.

    Raises:
        ValueError: the full plan on the twin.
    """
    if plan is not QUICK and not on_gpu(device_module):
        raise ValueError(
            "The full plan runs models of up to 8 billion weights, and torch sees no GPU here. --quick tries the same "
            "on small shapes, in seconds; its times are nothing to quote."
        )
    with one_cpu_thread():
        own = "triton" if on_gpu(device_module) and kernels_run_here() else "torch"  # who made the course's own kernels
        told = machine(command_line(arguments), device_module) | {"plan": plan.name, "kernels": own}
        file = RecordingFile(told, part, folder)
        left = [unit for unit in PARTS[part](Bench(plan, device_module)) if not file.is_done(unit.name)]
        if _measure(left, file, seconds, progress):
            file.finish()
    return file


def _measure(units: Sequence[Unit], file: RecordingFile, seconds: float, progress: bool) -> bool:
    """Measure units until the time is up; tell whether all were. The first always is, or nothing ever would."""
    began, longest = time.monotonic(), 0.0
    for unit in progress_bar(units, "Recording", wanted=progress):
        start = time.monotonic()
        if longest and start - began + CAUTION * longest > seconds:
            return False
        file.add(unit.name, *_measured(unit))
        longest = max(longest, time.monotonic() - start)
    return True


def _measured(unit: Unit) -> Measured:
    """Measure a unit. One that is too large for the device is left out with a sentence, and the others go on."""
    try:
        return unit.measure()
    except torch.OutOfMemoryError as error:
        return Measured((), [f"{unit.name} ran out of memory: {str(error).splitlines()[0]}"])
