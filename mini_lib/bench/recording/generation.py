"""Whole requests through the engine: how many tokens a second one user gets, prompt included.

The wall clock, from the call until the last token is known: that is what the published figures are. Batch 1, greedy.
The prompt rides in a full graph of its own size where graphs are used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.timed import summary
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine import Engine


class Way(NamedTuple):
    """How to generate: the style of the model, what is replayed, and whether the CPU works ahead."""

    style: str
    mode: CUDAGraphMode
    overlap: bool


WAYS = (
    Way("naive", CUDAGraphMode.NONE, False),
    Way("fused", CUDAGraphMode.NONE, False),
    Way("fused", CUDAGraphMode.FULL, False),
    Way("fused", CUDAGraphMode.FULL, True),
)


def units(bench: Bench) -> Iterator[Unit]:
    """Yield the one unit: all ways take turns."""
    yield Unit("generation", partial(_generation, bench))


def _generation(bench: Bench) -> Measured:
    plan = bench.plan
    bench.release()
    length = plan.generation_prompt + plan.generation_tokens
    config = plan.generation_model.with_max_model_len(length)
    models = models_of(config, {way.style for way in WAYS}, bench.device, bench.dtype(config))
    engines = {way: _engine(bench, way, models[way.style], plan.generation_prompt) for way in WAYS}
    prompt = [(31 * place + 5) % config.vocab_size for place in range(plan.generation_prompt)]
    times: dict[Way, list[list[float]]] = {way: [] for way in WAYS}
    tokens = {way: engine.generate([prompt], plan.generation_tokens) for way, engine in engines.items()}
    for _ in range(plan.rounds.rounds):
        for way, engine in engines.items():
            times[way].append([_timed(engine, prompt, plan.generation_tokens) for _ in range(plan.rounds.calls)])
    for engine in engines.values():
        engine.close()
    eager = {way.style: tokens[way] for way in WAYS if not way.mode}
    head = {"what": "generation", "model": config.name, "prompt_tokens": plan.generation_prompt}
    return Measured([{**head, **_row(way, times[way], plan.generation_tokens), "equal": tokens[way] == eager[way.style]}
                     for way in WAYS])  # fmt: skip


def _engine(bench: Bench, way: Way, model: Any, prompt_tokens: int) -> Engine:
    return Engine(
        model.config,
        model=model,
        cudagraph_mode=way.mode,
        async_scheduling=way.overlap,
        capture_sizes=[1, prompt_tokens],
        max_num_seqs=1,
        max_num_batched_tokens=prompt_tokens,
        device_module=bench.device_module,
        count_launches=False,
    )


def _timed(engine: Engine, prompt: list[int], num_tokens: int) -> float:
    start = time.perf_counter()
    engine.generate([prompt], num_tokens)
    return (time.perf_counter() - start) * 1e6


def _row(way: Way, times: list[list[float]], num_tokens: int) -> dict[str, Any]:
    figures = summary(times)
    return {
        "style": way.style,
        "mode": way.mode.name,
        "loop": "overlap" if way.overlap else "normal",
        "batch": 1,
        "new_tokens": num_tokens,
        "tokens_per_s": num_tokens / figures["median_us"] * 1e6,
        **figures,
    }
