"""What the torch-free rooms compute, as one line of JSON: run by a bare Python, and by one in WebAssembly.

python -S tests/course/torch_free.py ROOT
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOMS = ("withheld", "config", "dispatch", "timing", "scheduling", "sim")
BLOCKED = ("torch", "numpy", "matplotlib", "tqdm", "IPython")


def main(root: str) -> None:
    sys.path.insert(0, root)
    for name in BLOCKED:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it raises ImportError
    print(json.dumps({"modules": import_all(), "dispatch": dispatch(), "timing": timing(), "sim": sim()}))


def import_all() -> list[str]:
    """Import every module of the rooms; return their names."""
    names = [f"mini_lib.{room}" for room in ROOMS]
    for name in names:
        inside = getattr(importlib.import_module(name), "__path__", [])
        names += [found.name for found in pkgutil.iter_modules(inside, f"{name}.")]  # the loop goes on through these
    return sorted(names)


def dispatch() -> list[Any]:
    import mini_lib
    from mini_lib.dispatch import CaptureSizes, padding_waste

    sizes = mini_lib.default_capture_sizes(max_num_seqs=12)
    return [sizes, CaptureSizes(sizes).pad(9), padding_waste(sizes, {9: 1})]


def timing() -> list[Any]:
    """Simulate a step, and two streams of which one waits; write a trace, and read it back."""
    from mini_lib.timing import Kernel, LaunchQueue, TraceFile, decode_step, read_trace

    queue = LaunchQueue()
    queue.launch(Kernel("prefill", 51.7), stream="GPU prefill")
    queue.wait_event(queue.record_event("GPU prefill"))
    queue.launch_graph("decode", [Kernel("norm", 1.3), Kernel("matmul", 3.1)])
    queue.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        TraceFile({"kind": "simulated"}, queue.timeline()).save(path)
        assert read_trace(path).timeline == queue.timeline()
    return [step.duration_us for step in decode_step(num_kernels=7)] + [queue.now_us]


def sim() -> list[Any]:
    """Serve the same requests with either loop, the second time in leaps too."""
    from mini_lib.config import ModelConfig
    from mini_lib.scheduling.traffic import poisson
    from mini_lib.sim import PROFILES, simulate

    model, workload = ModelConfig.qwen3_0_6b(), poisson(12, rate_per_s=400.0)
    runs = [("normal", False), ("overlap", False), ("overlap", True)]
    results = [simulate(workload, model, PROFILES["H200"], loop=loop, fast_forward=leap) for loop, leap in runs]
    # To the picosecond: the last bits differ, for logarithms by machine and for sums since Python 3.12.
    times_us = [[*result.summary.ttft_us, result.gpu_busy_us, result.gpu_us] for result in results]
    return [[[round(us, 6) for us in times], one.rows()] for times, one in zip(times_us, results, strict=True)]


if __name__ == "__main__":
    main(sys.argv[1])
