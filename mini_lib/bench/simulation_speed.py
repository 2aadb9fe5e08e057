"""How much faster than a server its simulation is: simulated seconds over wall seconds, step by step and in leaps.

The server is Llama-3-8B, fused, on an assumed H200, full and piecewise graphs, overlap loop. Requests are a Poisson
stream at a stated share of what the server can do, which is measured first: the throughput while every row is taken.
Lengths are uniform, prompts short and answers long as of a model that reasons aloud; with shorter answers somebody
comes or goes in nearly every step, and leaps are short. At most 32 at a time keeps the time per token below 6 ms.

Everything that `simulate` does is in the time: taking the requests in, the loop, the summary. Making the workload is
not. One thread. Leaps are over in seconds, so the quickest of three runs counts, as `timeit` has it; stepping takes a
minute and runs once. Where the machine is shared, CPU seconds are the fairer divisor, and both are reported.

Not modelled: a second core, other simulators on the same workload.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from mini_lib.config import ModelConfig
from mini_lib.dispatch import default_capture_sizes
from mini_lib.graphs.progress import progress_bar
from mini_lib.scheduling import Lengths, SchedulerConfig, WorkloadRequest, offline_ramp, poisson
from mini_lib.sim import PROFILES, SimResult, simulate

MODEL, PROFILE = ModelConfig.llama_3_8b(), PROFILES["H200"]
LENGTHS = Lengths(prompt=(64, 448), new=(256, 1792))
MEAN_PROMPT, MEAN_NEW = sum(LENGTHS.prompt) // 2, sum(LENGTHS.new) // 2
NUM_LEAPT = 3
CAPTURE_SIZES = default_capture_sizes("vllm", max_num_seqs=256)  # up to 512 tokens: a piece of a prompt fits as well
# 141 GB, nine tenths of them used, less 16 GB of weights: 110 GB of KV at 128 KiB a token, in blocks of 16.
NUM_BLOCKS = int(110e9 / (128 * 1024) / 16)


def limits(max_num_seqs: int) -> SchedulerConfig:
    """Return the limits of the server: pieces of prompts fill a step of 512 tokens up."""
    return SchedulerConfig(
        max_num_seqs=max_num_seqs, max_num_batched_tokens=512, block_size=16, num_blocks=NUM_BLOCKS,
        max_model_len=MODEL.max_model_len * 2,
    )  # fmt: skip


class Speed(NamedTuple):
    """What one way of simulating took, and how much it simulated in each of these seconds."""

    wall_s: float
    cpu_s: float
    simulated_s: float

    @property
    def ratio(self) -> float:
        """Simulated seconds over wall seconds."""
        return self.simulated_s / self.wall_s

    @property
    def cpu_ratio(self) -> float:
        """Simulated seconds over CPU seconds: what the ratio would be on a core that nobody shares."""
        return self.simulated_s / self.cpu_s

    def __str__(self) -> str:
        return (
            f"{self.ratio:,.0f}x wall time ({self.wall_s:.1f} s), {self.cpu_ratio:,.0f}x CPU time ({self.cpu_s:.1f} s)"
        )


@dataclass(frozen=True, kw_only=True)
class SimulationSpeed:
    """Both speeds, and what was simulated.

    `load` is the share of the server's capacity that was asked for, `load_reached` the share that it gave. `equal`
    tells whether both ways gave the same summary, counts and times in every bit.
    """

    num_requests: int
    max_num_seqs: int
    load: float
    load_reached: float
    stepped: Speed
    fast_forward: Speed
    equal: bool
    result: SimResult

    @property
    def stepped_ratio(self) -> float:
        """Simulated seconds over wall seconds, every step of the event loop run."""
        return self.stepped.ratio

    @property
    def fast_forward_ratio(self) -> float:
        """The same in leaps."""
        return self.fast_forward.ratio

    @property
    def mean_batch(self) -> float:
        """Tokens per step."""
        return self.result.summary.num_tokens / self.result.num_steps

    @property
    def how(self) -> str:
        """What was simulated, in a sentence."""
        same = "the same in every bit" if self.equal else "NOT THE SAME"
        return (
            f"{self.num_requests:,} requests of {MEAN_PROMPT} + {MEAN_NEW} tokens on average, Poisson, to {MODEL.name} "
            f"on an assumed {PROFILE.name}, at most {self.max_num_seqs} at a time, load {self.load_reached:.0%}: "
            f"{self.result.num_steps:,} steps of {self.mean_batch:.0f} tokens; stepped {self.stepped}; "
            f"fast-forward {self.fast_forward} (results {same})"
        )


def measure_simulation_speed(
    num_requests: int = 10_000, *, max_num_seqs: int = 32, load: float = 0.85, seed: int = 0, progress: bool = True
) -> SimulationSpeed:
    """Return how fast such a server is simulated, step by step and in leaps.

    Raises:
        ValueError: a load of 0 or less, or fewer than 1 request or row.
    """
    config = limits(max_num_seqs)
    capacity = _capacity(config)
    requests = poisson(num_requests, rate_per_s=load * capacity / MEAN_NEW, lengths=LENGTHS, seed=seed)
    runs = [
        _timed(requests, config, fast_forward=fast_forward)
        for fast_forward in progress_bar([*[True] * NUM_LEAPT, False], "Simulating a server", wanted=progress)
    ]
    stepped, leapt = runs.pop(), min(runs, key=lambda run: run[1].wall_s)
    return SimulationSpeed(
        num_requests=num_requests, max_num_seqs=max_num_seqs, load=load,
        load_reached=leapt[0].summary.tokens_per_s / capacity, stepped=stepped[1], fast_forward=leapt[1],
        equal=_figures(leapt[0]) == _figures(stepped[0]), result=leapt[0],
    )  # fmt: skip


def _capacity(config: SchedulerConfig) -> float:
    """Return the tokens per second of the server while every row is taken, by requests of mean length."""
    lengths = Lengths(prompt=(MEAN_PROMPT, MEAN_PROMPT), new=(MEAN_NEW, MEAN_NEW))
    crowd = offline_ramp(4 * config.max_num_seqs, lengths=lengths)
    return simulate(
        crowd, MODEL, PROFILE, scheduler_config=config, capture_sizes=CAPTURE_SIZES, fast_forward=True
    ).summary.tokens_per_s


def _timed(
    requests: tuple[WorkloadRequest, ...], config: SchedulerConfig, *, fast_forward: bool
) -> tuple[SimResult, Speed]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = simulate(
        requests, MODEL, PROFILE, scheduler_config=config, capture_sizes=CAPTURE_SIZES, fast_forward=fast_forward
    )
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return result, Speed(wall_s, cpu_s, result.summary.duration_us / 1e6)


def _figures(result: SimResult) -> tuple[Any, ...]:
    return (
        result.summary, result.steps_by_mode, result.num_tokens, result.padded_tokens, result.gpu_busy_us,
        result.emissions.times_us, result.emissions.runs,
    )  # fmt: skip
