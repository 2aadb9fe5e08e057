"""Is my model launch-bound? One call: a function is timed where there is a GPU, and what a graph could hold is found.

>>> import torch
>>> print(diagnose(lambda x: (x @ x).relu(), torch.ones(4, 4)).sentence)  # doctest: +SKIP
Too little to tell: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import torch

from mini_lib.diagnosis.capturability import Capturability, copies, examine
from mini_lib.diagnosis.diagnosis import Diagnosis, diagnose_trace
from mini_lib.diagnosis.live import run_live
from mini_lib.diagnosis.verdict import Verdict
from mini_lib.graphs import device_of, get_device_module
from mini_lib.timing import ASSUMED, LaunchCosts


def diagnose(
    fn: Callable[..., object],
    *inputs: Any,
    device_module: ModuleType | None = None,
    costs: LaunchCosts = ASSUMED,
) -> Diagnosis:
    """Return what holds `fn(*inputs)` up, what of it a CUDA graph could hold, and what to expect of one.

    On a GPU it is timed, profiled and captured: some fifty calls. On the CPU twin nothing is timed, since a CPU's times
    say nothing about a GPU's: kernels are counted and obstacles found, and the verdict is honest about the rest.

    Either way `fn` is called for real, and its own errors come through. Tensors among `inputs` are copied first, and
    random states are put back; what it writes elsewhere (buffers, a KV cache) is written. For keyword arguments pass a
    lambda: `diagnose(lambda ids: model(input_ids=ids), ids)`. `costs` says what launching takes where no trace shows
    it; take a device's from `mini_lib.sim.PROFILES["H200"].launch`.
    """
    device_module = device_module or get_device_module()
    on_gpu = device_of(device_module).type == "cuda"
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_gpu else []):
        held = examine(fn, inputs, device_module)
        if not on_gpu:
            return Diagnosis(Verdict.UNKNOWN, capturability=held, notes=(_border(held, costs),))
        run = run_live(fn, copies(inputs), device_module)
    found = diagnose_trace(run.trace.timeline, run.trace.launched_by, costs=costs)
    return replace(found, capturability=held, notes=(*found.notes, run.note))


def _border(held: Capturability, costs: LaunchCosts) -> str:
    """Say which kernels would make this function launch-bound: those that are shorter than a launch."""
    if not held.num_kernels and held.captured:
        return "this call launches no kernel, so there is nothing to time"
    border_us = max(costs.launch_us - costs.gap_us, 0.0)
    source = costs.source if len(costs.source) < 40 else "see the source of these costs"
    return (
        f"a CPU cannot tell how long kernels take on a GPU. This call would be launch-bound there if its "
        f"{held.num_kernels} kernels take less than {border_us:.3g} µs on average: a launch takes the CPU "
        f"{costs.launch_us:.3g} µs, and {costs.gap_us:.3g} µs lie between two kernels anyway ({source})"
    )
