"""What came of a simulation, each figure with its definition.

Not modelled: what a request costs in money or energy; percentiles other than p50 and p99.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling import SchedulerConfig
from mini_lib.scheduling.metrics import ServingSummary, Spread
from mini_lib.sim.emissions import Emissions
from mini_lib.sim.startup import Startup
from mini_lib.timing import Timeline
from mini_lib.timing.trace_file import TraceFile


@dataclass(frozen=True, kw_only=True)
class SimResult:
    """A simulated run. Times are microseconds of virtual time; 0 is when the server is ready, graphs and all.

    Attributes:
        model, device, style, mode, loop: what was simulated, by name.
        scheduler_config: the limits that the scheduler had.
        summary: TTFT, TPOT, ITL and tokens per second, from the first arrival to the last token. A token counts as
            there when the scheduler has taken it in.
        steps_by_mode: how many steps ran in each mode.
        num_tokens: rows of all forward passes that belong to a request, prompts and overshoot included.
        padded_tokens: rows that were computed for nobody: what the dispatcher padded.
        gpu_busy_us: sum of what the kernels took. Gaps between kernels and copies of inputs are not in it.
        gpu_us: from the first launch of the first step to the end of the last kernel. What came before, such as
            scheduling the first step, is in no figure of the GPU.
        startup: seconds, bytes and number of graphs before the first request.
        finish_reasons: "length" or "stop", by request id.
        timeline: what CPU and GPU did; None where nobody asked for it.
        emissions: who got a token when.
    """

    model: str
    device: str
    style: str
    mode: CUDAGraphMode
    loop: str
    scheduler_config: SchedulerConfig
    summary: ServingSummary
    steps_by_mode: Mapping[CUDAGraphMode, int]
    num_tokens: int
    padded_tokens: int
    gpu_busy_us: float
    gpu_us: float
    startup: Startup
    finish_reasons: Mapping[int, str]
    timeline: Timeline | None = field(repr=False)
    emissions: Emissions = field(repr=False)

    @property
    def num_steps(self) -> int:
        """Batches that were launched."""
        return sum(self.steps_by_mode.values())

    @property
    def gpu_idle_share(self) -> float:
        """The share of `gpu_us` in which no kernel ran, from 0 to 1: gaps, launches, scheduling, nobody there."""
        return 1 - self.gpu_busy_us / self.gpu_us if self.gpu_us else 0.0

    @property
    def padding_share(self) -> float:
        """The share of computed rows that was padding, from 0 to 1."""
        computed = self.num_tokens + self.padded_tokens
        return self.padded_tokens / computed if computed else 0.0

    def trace_file(self, **made_by: str) -> TraceFile:
        """Return the timeline as a trace that says it was simulated, of what, and whatever `made_by` adds.

        Raises:
            ValueError: no timeline was kept.
        """
        if self.timeline is None:
            raise ValueError("this simulation kept no timeline: ask simulate() for timeline='steps' or 'kernels'.")
        what = {"model": self.model, "style": self.style, "mode": self.mode.name, "loop": self.loop}
        return TraceFile({"kind": "simulated", "device": self.device, **what, **made_by}, self.timeline)

    def __str__(self) -> str:
        return "\n".join(f"{name:<16} {value}" for name, value in self.rows())

    def rows(self) -> list[tuple[str, str]]:
        """Return the figures as (name, value with its unit), as `str` shows them."""
        summary, startup = self.summary, self.startup
        modes = ", ".join(f"{count} {mode.name}" for mode, count in self.steps_by_mode.items())
        return [
            ("simulated", f"{self.model} {self.style} on {self.device}, {self.mode.name}, {self.loop} loop"),
            ("requests", f"{summary.num_requests}, {summary.num_tokens} tokens in {summary.duration_us / 1e6:.3f} s"),
            ("throughput", f"{summary.tokens_per_s:.0f} tokens/s"),
            ("TTFT", _in_ms(summary.ttft_us)),
            ("TPOT", _in_ms(summary.tpot_us)),
            ("ITL", _in_ms(summary.itl_us)),
            ("GPU idle", f"{self.gpu_idle_share:.1%}"),
            ("steps", f"{self.num_steps}: {modes}"),
            ("padding", f"{self.padding_share:.1%} of the rows, {self.padded_tokens}"),
            ("start-up", f"{startup.graphs} graphs, {startup.seconds:.2f} s, {startup.num_bytes / 2**20:.0f} MiB"),
        ]


def _in_ms(spread: Spread) -> str:
    mean, p50, p99, largest = (value / 1e3 for value in spread)
    return f"mean {mean:.2f}, p50 {p50:.2f}, p99 {p99:.2f}, max {largest:.2f} ms"
