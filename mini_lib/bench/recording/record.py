"""Records one part: unit after unit, each kept as soon as it is measured, until the time is up."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType

import torch

from mini_lib.bench.arguments import command_line
from mini_lib.bench.provenance import machine, on_gpu, one_cpu_thread
from mini_lib.bench.recording import captures, chains, generation, pieces
from mini_lib.bench.recording.file import RecordingFile
from mini_lib.bench.recording.overlap_sweep import OverlapSweep
from mini_lib.bench.recording.plan import QUICK, Plan
from mini_lib.bench.recording.step_part import StepPart
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.graphs import device_of
from mini_lib.graphs.progress import progress_bar
from mini_lib.model.kernels import kernels_run_here

PARTS: dict[str, Callable[[Bench], Iterator[Unit]]] = {
    "launch": lambda bench: chain(chains.units(bench), pieces.units(bench), captures.units(bench)),
    "step": lambda bench: StepPart(bench).units(),
    "serve": lambda bench: chain(OverlapSweep(bench).units(), generation.units(bench)),
}
CAUTION = 1.5  # the next unit may take so many times as long as the longest of its kind so far


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

    A unit that fails costs itself alone: its traceback goes to stderr, and a later run tries it again. `folder` None
    keeps nothing. Times of the twin are recorded as such, and only by the quick plan.

    Raises:
        ValueError: the full plan on the twin.
        Exception: what made a unit fail, where the device is lost by it.
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
        _wake(device_module)
        if _measure(left, file, seconds, progress):
            file.finish()
    return file


def _measure(units: Sequence[Unit], file: RecordingFile, seconds: float, progress: bool) -> bool:
    """Measure units until the time is up; tell whether all were. The first always is, or nothing ever would."""
    began, longest, built, failed = time.monotonic(), {True: 0.0, False: 0.0}, "", False
    for unit in progress_bar(units, "Recording", wanted=progress):
        start, builds = time.monotonic(), unit.needs != built
        expected = longest[builds] or max(longest.values())
        if expected and start - began + CAUTION * expected > seconds:
            return False
        measured = _measured(unit, file)
        if measured is None:
            failed = True
        else:
            file.add(unit.name, *measured)
        built, longest[builds] = unit.needs, max(longest[builds], time.monotonic() - start)
    return not failed


def _measured(unit: Unit, file: RecordingFile) -> Measured | None:
    """Measure a unit. One that is too large for the device is left out with a sentence, one that fails is None."""
    try:
        return unit.measure()
    except torch.OutOfMemoryError as error:
        return Measured((), [f"{unit.name} ran out of memory: {str(error).splitlines()[0]}"])
    except Exception:
        traceback.print_exc()
        file.failed.append(unit.name)
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()  # raises where the failure has ended CUDA for this process
    return None


def _wake(device_module: ModuleType) -> None:
    """Let a GPU work for a moment: an idle one runs at a fraction of its clock, and takes a while to get to speed."""
    if on_gpu(device_module):
        square = torch.ones(4096, 4096, device=device_of(device_module), dtype=torch.float16)
        for _ in range(2000):  # about half a second
            torch.mm(square, square)
        device_module.synchronize()
