"""`bench decode`: what a decode step launches and how long it takes, by batch size and `CUDAGraphMode`.

The engine itself serves the batch: a step in which the prompts go in, then steps that decode. Launches, graphs and
padding are counted in one run; time is taken in others, in which nothing is counted. The modes take turns, and the
median over all decode steps is shown. Weights are random: how long a step takes does not depend on them.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from types import ModuleType
from typing import Any, NamedTuple

from mini_lib.bench.provenance import on_gpu, one_cpu_thread, provenance
from mini_lib.config import PRESETS
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine import Engine, StepStats
from mini_lib.graphs import device_of
from mini_lib.graphs.progress import progress_bar
from mini_lib.model import Model, build_model
from mini_lib.timing import CPU, GPU, Timeline

MODES = (CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL, CUDAGraphMode.FULL_AND_PIECEWISE)
MAX_MODEL_LEN = 256
PROMPT_TOKENS = 2  # so that the step in which all prompts go in fits under vLLM's ladder: it ends at 2 * max_num_seqs
NUM_ROUNDS = 3
CPU_NOTE = (
    "These are times of the CPU twin. Its replay is a Python loop over the recorded ops, and a CPU has no kernel "
    "launch to save, so they are not the CUDA effect. Launches are counted op by op: graphs and padding are the same "
    "on a GPU, and an op may be several kernels there."
)


class Question(NamedTuple):
    """What to measure: which model, on which batch sizes, how many decode steps a run."""

    config: str
    style: str
    batch_sizes: tuple[int, ...]
    steps: int


def bench_decode(
    question: Question, device_module: ModuleType, arguments: Sequence[str], progress: bool = True
) -> dict[str, Any]:
    """Return the whole result of `bench decode`, ready for JSON; units are in the names."""
    config = PRESETS[question.config]
    config = config.with_max_model_len(min(config.max_model_len, MAX_MODEL_LEN))
    with one_cpu_thread():
        model = build_model(config, style=question.style, device=device_of(device_module))
        rows = [row for mode in MODES for row in _counts(_engine(mode, model, question, device_module, True), question)]
        times = _times(model, question, device_module, progress)
        head = provenance("decode", arguments, device_module)
    return {
        **head,
        "model": config.name,
        "num_layers": config.num_layers,
        **question._asdict(),
        "rows": [row | times[row["mode"], row["batch_size"]] for row in rows],
        "note": "" if on_gpu(device_module) else CPU_NOTE,
    }


def _engine(
    mode: CUDAGraphMode, model: Model, question: Question, device_module: ModuleType, count_launches: bool
) -> Engine:
    widest = max(question.batch_sizes)
    return Engine(
        model.config,
        model=model,
        cudagraph_mode=mode,
        max_num_seqs=widest,
        max_num_batched_tokens=PROMPT_TOKENS * widest,
        device_module=device_module,
        count_launches=count_launches,
    )


def _counts(counting: Engine, question: Question) -> list[dict[str, Any]]:
    """Return one row per batch size: what its steps launch and pad."""
    rows = []
    with counting as engine:
        for batch_size in question.batch_sizes:
            _generate(engine, batch_size, 3)
            prompts, decode = engine.stats.steps[:2]
            rows.append(
                {
                    "mode": engine.dispatcher.mode.name,
                    "batch_size": batch_size,
                    **{f"decode_{name}": value for name, value in _of_step(decode).items()},
                    **{f"prompt_{name}": value for name, value in _of_step(prompts).items()},
                }
            )
    return rows


def _of_step(step: StepStats) -> dict[str, Any]:
    return {
        "mode": step.mode.name,
        "kernels": step.kernels,
        "graphs": step.graphs,
        "launches": step.launches,
        "other_kernels": step.other_kernels,
        "padded_tokens": step.num_padded_tokens - step.num_tokens,
    }


def _times(
    model: Model, question: Question, device_module: ModuleType, progress: bool
) -> dict[tuple[str, int], dict[str, float]]:
    """Return the median times of decode steps, by mode and batch size, the modes measured in turns."""
    samples: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    with ExitStack() as stack:
        engines = [stack.enter_context(_engine(mode, model, question, device_module, False)) for mode in MODES]
        turns = [(size, engine) for size in question.batch_sizes for _ in range(NUM_ROUNDS) for engine in engines]
        for engine in engines:
            _generate(engine, 1, 2)  # the first run of all pays for libraries that load
        for batch_size, engine in progress_bar(turns, "Measuring", wanted=progress):
            _generate(engine, batch_size, question.steps + 2)
            samples[engine.dispatcher.mode.name, batch_size] += _decode_steps(engine.timeline, question.steps)
    return {key: _medians(found) for key, found in samples.items()}


def _decode_steps(timeline: Timeline, steps: int) -> list[tuple[float, float]]:
    """Return, for each decode step, the time from its launch to the next one's, and what the GPU worked for it."""
    launches = {span.name: span.start_us for span in timeline.lane(CPU) if span.name.startswith("launch")}
    gpu = {span.name: span.duration_us for span in timeline.lane(GPU)}
    return [
        (launches[f"launch {step + 1}"] - launches[f"launch {step}"], gpu[f"step {step}"])
        for step in range(1, steps + 1)
    ]


def _medians(samples: Sequence[tuple[float, float]]) -> dict[str, float]:
    step_us, gpu_us = map(statistics.median, zip(*samples, strict=True))
    return {"step_us": step_us, "gpu_us": gpu_us}


def _generate(engine: Engine, batch_size: int, num_tokens: int) -> None:
    vocabulary = engine.config.vocab_size
    prompts = [[(7 * row + place) % vocabulary for place in range(PROMPT_TOKENS)] for row in range(batch_size)]
    engine.generate(prompts, num_tokens)
