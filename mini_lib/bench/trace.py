"""`bench trace`: what CPU and GPU do while the engine decodes, as a file that everything here reads.

The engine serves a batch with the event loop that is asked for; the trace is its own record of that run, cut to a few
steps of steady decode. Without a GPU the device is a forked worker that computes on the CPU, and the file says so.

Not recorded: single kernels. A step is one span on the GPU's lane; torch.profiler looks into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from mini_lib.bench.provenance import on_gpu, one_cpu_thread, provenance
from mini_lib.config import PRESETS, ModelConfig
from mini_lib.engine import Engine
from mini_lib.timing import Span, Timeline
from mini_lib.timing.trace_file import TraceFile

MODELS = {"exact": ModelConfig.exact(), **PRESETS}
WARM_STEPS = 20  # of each run: the first steps of a process pay for pages and libraries that load


class Question(NamedTuple):
    """What is to be traced: `steps` of a batch of one token per request, after a warm-up."""

    model: str
    style: str
    batch_size: int
    steps: int
    async_scheduling: bool


def bench_trace(question: Question, device_module: ModuleType, arguments: Sequence[str]) -> TraceFile:
    """Return the trace of `steps` decode steps in a row, from the launch of the first to that of the one after them.

    Of all such stretches in the run the shortest is kept: what else happens on a machine only makes one longer.
    """
    num_tokens = WARM_STEPS + 3 * question.steps
    policy = "cuda" if on_gpu(device_module) else "process"
    with one_cpu_thread():
        with Engine(
            MODELS[question.model], style=question.style, async_scheduling=question.async_scheduling,
            max_num_seqs=question.batch_size, capture_sizes=[question.batch_size],
            device_module=device_module, stream_policy=policy, count_launches=False,
        ) as engine:  # fmt: skip
            engine.generate([[7]] * question.batch_size, num_tokens)
            whole = engine.timeline
        made_by = {"kind": "recorded", **provenance("trace", arguments, device_module), **question._asdict()}
    return TraceFile(made_by, steady_steps(whole, question.steps, WARM_STEPS))


def steady_steps(timeline: Timeline, steps: int, warm_steps: int) -> Timeline:
    """Return the shortest stretch from one launch to the launch `steps` later, moved to 0; spans at its ends are cut.

    Raises:
        ValueError: there are not so many launches after the first `warm_steps`.
    """
    launches = [span.start_us for span in timeline.spans if span.name.startswith("launch")][warm_steps:]
    if len(launches) <= steps:
        raise ValueError(f"{len(launches)} launches after the first {warm_steps} hold no stretch of {steps} steps.")
    begin_us, end_us = min(zip(launches, launches[steps:], strict=False), key=lambda stretch: stretch[1] - stretch[0])
    stretch = timeline.between(begin_us, end_us)
    return Timeline(Span(one.lane, one.name, one.start_us - begin_us, one.end_us - begin_us) for one in stretch.spans)
