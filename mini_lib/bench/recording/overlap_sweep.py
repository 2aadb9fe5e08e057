"""What the overlap loop gains when the CPU really works: the engine, its scheduler, and CPU work on top, swept.

The work is a spinning core, `share` times as long as the GPU takes for a step, half of it when a batch is scheduled and
half when its tokens are processed. Both loops serve the same requests on the same engine, in turns. What a step takes
is the time between the ends of two steps on the GPU, by events.

The ideal follows from the normal loop's own run: what its steps take beyond the GPU's time is the CPU's, and a loop
that hides all it can takes the longer of the two.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mini_lib.bench.overlap_run import spin
from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.timed import summary
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.dispatch import CUDAGraphMode
from mini_lib.engine import Engine
from mini_lib.scheduling import NewToken, Runner, Scheduler, event_loop_normal, event_loop_overlap
from mini_lib.timing import GPU, Span, Timeline

STYLE, MODE = "fused", CUDAGraphMode.FULL
LOOPS = {"normal": event_loop_normal, "overlap": event_loop_overlap}
PROMPT_TOKENS = 4
FIRST_STEADY = 2  # the step of the prompts is no decode, and the one after it still waits for it


class LoadedLoop:
    """An event loop whose scheduler keeps the CPU busy. Which loop, and how busy, is said before each run."""

    def __init__(self) -> None:
        self.name, self.work_us = "normal", 0.0

    def __call__(self, scheduler: Scheduler, runner: Runner) -> Iterator[list[NewToken]]:
        """Run the loop chosen last."""
        half_ms = self.work_us / 2e3
        make, process = scheduler.schedule, scheduler.update_from_output
        scheduler.schedule = _and_then_spin(make, half_ms)  # type: ignore[method-assign]
        scheduler.update_from_output = _and_then_spin(process, half_ms)  # type: ignore[method-assign]
        return LOOPS[self.name](scheduler, runner)


def _and_then_spin(call: Any, milliseconds: float) -> Any:
    def loaded(*args: Any) -> Any:
        result = call(*args)
        spin(milliseconds)
        return result

    return loaded


class OverlapSweep:
    """Makes the units, one per share. The engine is kept for all of them."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.loop = bench, LoadedLoop()
        self._engine: Engine | None = None

    def units(self) -> Iterator[Unit]:
        """Yield a unit per share of the GPU's time that the CPU is to work."""
        for share in self.bench.plan.overlap_shares:
            yield Unit(f"overlap, work {share:g} of the GPU's time", partial(self.measure, share))

    def measure(self, share: float) -> Measured:
        """Return the row of one share; of share 0 also how long the GPU was idle."""
        plan = self.bench.plan
        if not self.bench.fits(plan.overlap_model, plan.overlap_batch):
            return Measured((), [f"{plan.overlap_model.name} does not fit into this device's memory: no overlap."])
        gpu_us = statistics.median(span.duration_us for span in steady(self._run("normal", 0.0)[0]))
        work_us = share * gpu_us
        runs: dict[str, list[Timeline]] = {name: [] for name in LOOPS}
        tokens = {}
        for _ in range(plan.overlap_rounds.rounds):
            for name in LOOPS:
                timeline, tokens[name] = self._run(name, work_us)
                runs[name].append(timeline)
        equal = tokens["normal"] == tokens["overlap"]
        head = {
            "model": plan.overlap_model.name, "style": STYLE, "mode": MODE.name, "batch": plan.overlap_batch,
            "context": PROMPT_TOKENS + plan.overlap_rounds.calls,
        }  # fmt: skip
        row = {"what": "overlap", **head, "share": share, "work_us": work_us, **overlap_figures(runs), "equal": equal}
        return Measured([row, {"what": "idle", **head, **idle_figures(runs["overlap"])}] if share == 0 else [row])

    def _run(self, name: str, work_us: float) -> tuple[Timeline, list[list[int]]]:
        """Serve the requests once; return what happened, and their tokens."""
        self.loop.name, self.loop.work_us = name, work_us
        engine, plan = self._ready(), self.bench.plan
        vocabulary = engine.config.vocab_size
        prompts = [
            [(7 * row + place) % vocabulary for place in range(PROMPT_TOKENS)] for row in range(plan.overlap_batch)
        ]
        tokens = engine.generate(prompts, plan.overlap_rounds.calls + FIRST_STEADY)
        return engine.timeline, tokens

    def _ready(self) -> Engine:
        if self._engine is None:
            self.bench.release()
            plan = self.bench.plan
            longest = PROMPT_TOKENS + plan.overlap_rounds.calls + FIRST_STEADY
            config = plan.overlap_model.with_max_model_len(longest)
            models = models_of(config, [STYLE], self.bench.device, self.bench.dtype(config))
            model: Any = models[STYLE]
            self._engine = Engine(
                config, model=model, cudagraph_mode=MODE, capture_sizes=[plan.overlap_batch],
                max_num_seqs=plan.overlap_batch, device_module=self.bench.device_module, count_launches=False,
                event_loop=self.loop,
            )  # fmt: skip
        return self._engine


def steady(timeline: Timeline) -> list[Span]:
    """Return the GPU's spans of the steps that only decode, in order."""
    steps = [span for span in timeline.lane(GPU) if span.name.startswith("step")]
    return steps[FIRST_STEADY:]


def overlap_figures(runs: Mapping[str, Sequence[Timeline]]) -> dict[str, Any]:
    """Return the figures of the runs of both loops, "normal" and "overlap"."""
    times = {name: summary([_between_ends(steady(run)) for run in one]) for name, one in runs.items()}
    # Where the GPU waits for the launches of a step, that time lies between its events as well: the shorter one counts.
    gpu_us = min(statistics.median(span.duration_us for run in runs[name] for span in steady(run)) for name in LOOPS)
    normal_us, overlap_us = times["normal"]["median_us"], times["overlap"]["median_us"]
    ideal = normal_us / max(gpu_us, normal_us - gpu_us)
    return {
        "gpu_us": gpu_us,
        "normal_us": normal_us,
        "overlap_us": overlap_us,
        "speedup": normal_us / overlap_us,
        "ideal_speedup": ideal,
        "share_of_ideal": normal_us / overlap_us / ideal,
        "repeat_us": {name: one["repeat_us"] for name, one in times.items()},
        "iterations": times["overlap"]["iterations"],
    }


def idle_figures(runs: Sequence[Timeline]) -> dict[str, Any]:
    """Return the share of steady decode in which no launch was at work on the GPU, by run and the median."""
    shares = []
    for run in runs:
        steps = steady(run)
        inside = run.between(steps[0].start_us, steps[-1].end_us)
        shares.append(Timeline(inside.lane(GPU)).idle_share(GPU))
    return {"idle_share": statistics.median(shares), "repeat_idle_share": shares}


def _between_ends(steps: Sequence[Span]) -> list[float]:
    return [after.end_us - before.end_us for before, after in itertools.pairwise(steps)]
