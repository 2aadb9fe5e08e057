"""`simulate`: a workload, a model, a device and a mode in; what its users and its GPU went through out.

Event loop, scheduler and dispatcher are the ones that the engine runs. They are given a clock that moves by prices,
a runner that computes nothing, and requests whose prompts nobody reads.

>>> from mini_lib.sim import PROFILES
>>> result = simulate([WorkloadRequest((5, 0, 3), 8)] * 2, ModelConfig.tiny(), PROFILES["H200"])
>>> result.summary.num_tokens, {mode.name: count for mode, count in result.steps_by_mode.items()}
(16, {'PIECEWISE': 1, 'FULL': 7})

Not modelled: tokenizers, networks, requests that are aborted, several GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mini_lib.config import ModelConfig
from mini_lib.dispatch import (
    AttentionCGSupport,
    CudagraphDispatcher,
    CUDAGraphMode,
    default_capture_sizes,
    resolve_cudagraph_mode,
)
from mini_lib.dispatch.capture_sizes import Ladder
from mini_lib.scheduling import (
    NewToken,
    Runner,
    Scheduler,
    SchedulerConfig,
    Workload,
    WorkloadRequest,
    event_loop_normal,
    event_loop_overlap,
)
from mini_lib.sim.device_profile import DeviceProfile
from mini_lib.sim.fast_forward import fast_loop_normal, fast_loop_overlap
from mini_lib.sim.fast_forward.open_scheduler import OpenScheduler
from mini_lib.sim.pricing import StepPricer
from mini_lib.sim.result import SimResult
from mini_lib.sim.runner import SimRunner, TokenAt
from mini_lib.sim.runner_device import Pricer, SimDevice
from mini_lib.sim.sim_clock import SimClock
from mini_lib.sim.startup import Startup, startup
from mini_lib.sim.timed_scheduler import TimedScheduler
from mini_lib.timing import Span, Timeline

Loop = Callable[[Scheduler, Runner], Iterable[list[NewToken]] | None]
LOOPS: dict[str, Loop] = {"overlap": event_loop_overlap, "normal": event_loop_normal}
FAST_LOOPS: dict[str, Callable[[Any, Any], Iterable[list[NewToken]]]] = {
    "overlap": fast_loop_overlap,
    "normal": fast_loop_normal,
}
TIMELINES = (None, "steps", "kernels")


def simulate(
    workload: Workload | Sequence[WorkloadRequest],
    model: ModelConfig,
    profile: DeviceProfile,
    *,
    mode: CUDAGraphMode = CUDAGraphMode.FULL_AND_PIECEWISE,
    loop: str | Loop = "overlap",
    capture_sizes: Ladder | Iterable[int] | None = None,
    style: str = "fused",
    scheduler_config: SchedulerConfig | None = None,
    timeline: str | None = None,
    fast_forward: bool = False,
    token_at: TokenAt | None = None,
    pricer: Pricer | None = None,
) -> SimResult:
    """Return what serving `workload` is like.

    Args:
        workload: requests with the limits of a scheduler, or requests alone.
        model: its shapes; weights are not needed.
        profile: the GPU and its CPU.
        mode: which batches are replayed from graphs.
        loop: "overlap", "normal", or a function of (scheduler, runner).
        capture_sizes: numbers of tokens that get a graph, or a ladder; None: what vLLM would capture.
        style: how the decoder is written: "naive", "lean", "fused".
        scheduler_config: the limits of the scheduler; None: the workload's, or those that `Engine` has by default,
            with KV memory that never runs short.
        timeline: "steps" keeps a span per launch, wait, copy and step; "kernels" a span per launch and kernel, which
            is slow; None keeps none.
        fast_forward: leap over steps in which nothing changes but positions. The result is the same, and sooner there.
        token_at: the token of (request id, position in prompt and answer); None: always 0, so that answers end by
            their length unless 0 is the stop token.
        pricer: what steps cost; None: what `StepPricer` says of `model`, `style` and `profile`.

    Raises:
        ValueError: no request, one that could never be served, an unknown loop, mode or timeline, a loop of one's own
            or a timeline together with `fast_forward`.
        TypeError: the name of a model or of a profile in place of it.
    """
    for name, value, way_out in (("model", model, "ModelConfig.tiny()"), ("profile", profile, "PROFILES['H200']")):
        if isinstance(value, str):
            raise TypeError(f"{name} is the text {value!r}: give the thing itself, such as {way_out}.")
    config, requests = _settled(workload, model, scheduler_config)
    simulation = Simulation(
        config, profile, _dispatcher(mode, capture_sizes, config), pricer or StepPricer(model, style, profile),
        loop=loop, timeline=timeline, fast_forward=fast_forward, token_at=token_at,
    )  # fmt: skip
    simulation.run(requests)
    ready = startup(model, style, simulation.runner.dispatcher.capture_keys(), profile)
    return simulation.result(model=model.name, style=style, mode=mode, startup=ready)


class Simulation:
    """A simulation with its parts in the open: `scheduler` and `runner`, on one `clock`.

    Args: as `simulate`, with everything settled.
    """

    def __init__(
        self,
        config: SchedulerConfig,
        profile: DeviceProfile,
        dispatcher: CudagraphDispatcher,
        pricer: Pricer,
        *,
        loop: str | Loop = "overlap",
        timeline: str | None = None,
        fast_forward: bool = False,
        token_at: TokenAt | None = None,
    ) -> None:
        if timeline not in TIMELINES:
            raise ValueError(f"timeline is {timeline!r}: it is one of {', '.join(map(repr, TIMELINES))}.")
        if fast_forward and timeline:
            raise ValueError("a fast-forward sees no single steps, so it keeps no timeline: leave one of the two out.")
        self.loop, self.loop_name = _loop(loop, fast_forward)
        self._spans: list[Span] | None = [] if timeline else None
        self.clock, spans = SimClock(), self._spans
        device = SimDevice(pricer, profile, self.clock, spans, kernels=timeline == "kernels")
        self.scheduler = (OpenScheduler if fast_forward else TimedScheduler)(config, self.clock, profile, spans)
        self.runner = SimRunner(device, dispatcher, self.clock, token_at=token_at, spans=spans)

    def run(self, requests: Iterable[WorkloadRequest]) -> None:
        """Serve `requests` to their end. Their ids are their places: 0, 1, 2, ..."""
        for one in requests:
            self.scheduler.add_request(one.prompt, one.max_new_tokens, arrival_us=one.arrival_us)
        for _ in self.loop(self.scheduler, self.runner) or ():
            pass

    def result(self, *, model: str, style: str, mode: CUDAGraphMode, startup: Startup) -> SimResult:
        """Return what came of it."""
        scheduler, runner, device = self.scheduler, self.runner, self.runner.device
        return SimResult(
            model=model, device=device.profile.name, style=style, mode=mode, loop=self.loop_name,
            scheduler_config=scheduler.config,
            summary=scheduler.emissions.summary({number: one.arrival_us for number, one in scheduler.requests.items()}),
            steps_by_mode=dict(runner.steps_by_mode), num_tokens=runner.num_tokens, padded_tokens=runner.padded_tokens,
            gpu_busy_us=device.busy_us, gpu_us=max(0.0, device.free_us - device.first_launch_us), startup=startup,
            finish_reasons={number: one.status.value for number, one in scheduler.requests.items()},
            timeline=None if self._spans is None else Timeline(self._spans), emissions=scheduler.emissions,
        )  # fmt: skip


def default_limits(model: ModelConfig, max_num_seqs: int = 16) -> SchedulerConfig:
    """Return the limits that `Engine` has by default, with room for `max_num_seqs` requests of full length."""
    block_size = 16
    return SchedulerConfig(
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max(256, max_num_seqs),
        block_size=block_size,
        num_blocks=1 + max_num_seqs * -(-model.max_model_len // block_size),
        max_model_len=model.max_model_len,
    )


def _settled(
    workload: Workload | Sequence[WorkloadRequest], model: ModelConfig, config: SchedulerConfig | None
) -> tuple[SchedulerConfig, Sequence[WorkloadRequest]]:
    """Return the limits to use, and the requests."""
    own = workload.scheduler_config if isinstance(workload, Workload) else None
    requests = workload.requests if isinstance(workload, Workload) else tuple(workload)
    if not requests:
        raise ValueError("the workload holds no request: there is nothing to simulate.")
    return config or own or default_limits(model), requests


def _loop(loop: str | Loop, fast_forward: bool) -> tuple[Loop, str]:
    """Return the loop and its name."""
    if callable(loop):
        if fast_forward:
            raise ValueError("a fast-forward knows the loops 'overlap' and 'normal': simulate your own step by step.")
        return loop, getattr(loop, "__name__", "own")
    if loop not in LOOPS:
        raise ValueError(f"there is no loop {loop!r}: it is {' or '.join(map(repr, LOOPS))}, or a function.")
    return (FAST_LOOPS if fast_forward else LOOPS)[loop], loop


def _dispatcher(
    mode: CUDAGraphMode, capture_sizes: Ladder | Iterable[int] | None, config: SchedulerConfig
) -> CudagraphDispatcher:
    """Return the dispatcher that `Engine` would build."""
    if not isinstance(mode, CUDAGraphMode):
        raise ValueError(f"mode is {mode!r}: it is one of {', '.join(map(str, CUDAGraphMode))}.")
    runs = resolve_cudagraph_mode(mode, AttentionCGSupport.ALWAYS, piecewise=True)
    if capture_sizes is None:
        capture_sizes = _default_sizes(config) if runs else []
    return CudagraphDispatcher(runs, capture_sizes, max_num_seqs=config.max_num_seqs)


def _default_sizes(config: SchedulerConfig) -> list[int]:
    return default_capture_sizes(
        "vllm", max_num_seqs=config.max_num_seqs, max_num_batched_tokens=config.max_num_batched_tokens
    )
