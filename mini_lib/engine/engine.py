"""The engine: prompts in, tokens out. It puts the parts together; the way of a step through them is short.

    Engine.generate            gives the requests to a scheduler and runs the event loop
    event_loop_overlap         schedules and launches a step, then processes the one before
    ModelRunner.execute_model  writes the batch down, chooses its graph, makes two launches
    DeviceStep.run             finds the tokens, runs the model, samples, sends the tokens back

>>> with Engine(ModelConfig.exact(), max_num_seqs=2, capture_sizes=[1, 2]) as engine:
...     tokens = engine.generate([[5, 0, 3], [8]], max_new_tokens=4)
>>> [len(one) for one in tokens]
[4, 4]
>>> [(step.mode.name, step.num_tokens) for step in engine.stats.steps]  # both prompts together, then decode
[('NONE', 4), ('FULL', 2), ('FULL', 2), ('FULL', 2)]

Not modelled: requests that join while `generate` runs, sampling parameters, text, several models or GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType, TracebackType

import torch

from mini_lib.compilation import CompilationMode
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode, default_capture_sizes
from mini_lib.dispatch.capture_sizes import Ladder
from mini_lib.engine.capture_model import capture_model
from mini_lib.engine.device_step import DeviceStep
from mini_lib.engine.forward import GraphedModel, mode_that_runs
from mini_lib.engine.future_map import FutureMap, SymbolicTokens
from mini_lib.engine.limits import Limits, limits_of
from mini_lib.engine.run import EventLoop, Run
from mini_lib.engine.runner import ModelRunner
from mini_lib.engine.staging import StagingSet
from mini_lib.engine.stats import EngineStats
from mini_lib.engine.wishes import wishes_of
from mini_lib.graphs import device_of, get_device_module
from mini_lib.graphs.policies import stream_policy as new_stream_policy
from mini_lib.model import Model, build_model, new_kv_caches
from mini_lib.scheduling import NewToken, Scheduler, event_loop_normal, event_loop_overlap
from mini_lib.timing import Timeline
from mini_lib.timing.clocks import Clock, WallClock

NUM_STAGING_SETS = 2  # one for the batch that is on its way, one for the batch that the CPU prepares
MapFactory = Callable[[int, torch.device], SymbolicTokens]  # called with (max_num_seqs, device)


class Engine:
    """Serves one model: continuous batching, CUDA graphs by mode, CPU and GPU at the same time.

    All graphs are recorded in here, before the first request. Use it in a `with`, or `close()` it: under the policy
    "process" a worker waits for work until then. After an error of the event loop it serves on; after an error on the
    device (`DeviceWorkError`) it does not, as with CUDA.

    Args:
        config: the shape of the model. Its weights are random, from `seed`; `model` brings a model of your own.
        cudagraph_mode: which batches are replayed from graphs.
        async_scheduling: work on a step's tokens while the GPU computes the next; else one after the other.
        enforce_eager: record nothing, compile nothing, run every batch as it is.
        capture_sizes: numbers of tokens that get a graph, or a ladder of your own; None: what vLLM would capture.
        max_num_seqs, max_num_batched_tokens, max_chunk_tokens, block_size, num_kv_blocks, max_model_len,
            stop_token_id, scheduling_policy: what the scheduler may do, see `SchedulerConfig`. `num_kv_blocks` None:
            so many that they never run short. `max_model_len` None: the model's own. `max_num_batched_tokens` None:
            256, or as many as requests where those are more.
        device_module: `torch.cuda` or the CPU twin; None: what this machine has.
        stream_policy: who plays the GPU: "inline", "lazy", "process", "cuda", or "auto".
        compilation_mode: NONE cuts the model while it runs (breakable graphs), VLLM_COMPILE with `torch.compile`.
        style: how the decoder is written: "naive", "lean" or "fused".
        event_loop: a function of (scheduler, runner); None: the library's, chosen by `async_scheduling`.
        future_map: a map, or a function of (max_num_seqs, device) that makes one; None: `FutureMap`.
        dispatcher: chooses the graph of a batch, and says which are captured; None: `CudagraphDispatcher`, built for
            `cudagraph_mode`. `enforce_eager` leaves it out.
        clock: makes the clock by which requests arrive, anew for each run.
        debug: check that tokens are written before they are read, once. Waits for the device at each step.
        count_launches: count kernels and graphs for `stats`. Switch it off where time is measured.

    Raises:
        ValueError: limits that contradict each other, or a name that does not exist.
    """

    def __init__(
        self, config: ModelConfig, *, cudagraph_mode: CUDAGraphMode = CUDAGraphMode.FULL_AND_PIECEWISE,
        async_scheduling: bool = True, enforce_eager: bool = False, capture_sizes: Ladder | Iterable[int] | None = None,
        max_num_seqs: int = 16, max_num_batched_tokens: int | None = None, max_chunk_tokens: int | None = None,
        block_size: int = 16, num_kv_blocks: int | None = None, max_model_len: int | None = None,
        stop_token_id: int | None = None, seed: int = 0, device_module: ModuleType | None = None,
        stream_policy: str = "auto", compilation_mode: CompilationMode = CompilationMode.NONE, style: str = "lean",
        scheduling_policy: str = "mixed", event_loop: EventLoop | None = None,
        future_map: SymbolicTokens | MapFactory | None = None, dispatcher: CudagraphDispatcher | None = None,
        model: Model | None = None, clock: Callable[[], Clock] = WallClock, debug: bool = False,
        count_launches: bool = True,
    ) -> None:  # fmt: skip
        self.config, self._clock = config, clock
        limits = limits_of(config, max_num_seqs, max_num_batched_tokens, max_model_len, block_size, num_kv_blocks)
        self.scheduler_config = limits.for_scheduler(max_chunk_tokens, stop_token_id, scheduling_policy)
        self._event_loop = event_loop or (event_loop_overlap if async_scheduling else event_loop_normal)

        device_module = device_module or get_device_module()
        device = device_of(device_module)
        compilation_mode = CompilationMode.NONE if enforce_eager else compilation_mode
        mode = mode_that_runs(cudagraph_mode, compilation_mode, enforce_eager)
        sizes = _default_sizes(mode, limits) if capture_sizes is None else capture_sizes
        dispatcher = None if enforce_eager else dispatcher
        self.dispatcher = dispatcher or CudagraphDispatcher(mode, sizes, max_num_seqs=max_num_seqs)

        model = model or build_model(config, style=style, seed=seed, device=device)
        graphed = GraphedModel(self.dispatcher.capture_keys(), compilation_mode, device_module)
        policy = new_stream_policy(stream_policy, device_module)
        staging = [StagingSet(limits, policy.host_tensor) for _ in range(NUM_STAGING_SETS)]
        step = DeviceStep(
            graphed.forward(model), model.sample,
            new_kv_caches(config, limits.num_kv_blocks, block_size, device, next(model.parameters()).dtype),
            _map(future_map, limits, device, debug), staging, limits, device,
            max_static_tokens=max(limits.max_num_batched_tokens, graphed.largest),
            count=count_launches, vocab_size=config.vocab_size if debug else None,
        )  # fmt: skip
        self.capture_report = capture_model(step, graphed)
        self._runner = ModelRunner(step, staging, self.dispatcher, policy, limits.max_model_len)
        self._run: Run | None = None
        self._state = "new"  # then "running" and "idle" in turns, and "closed" in the end

    def generate(self, prompts: Sequence[Sequence[int]], max_new_tokens: int | Sequence[int]) -> list[list[int]]:
        """Return the new tokens of each prompt: `max_new_tokens` of them, or fewer that end in the stop token.

        Prompts beyond `max_num_seqs` wait for their turn. A prompt with 0 new tokens gets an empty list.

        Raises:
            ValueError: an empty prompt, a token outside the vocabulary, a prompt that with its new tokens is too long
                for the context or the KV cache, a limit below 0. Nothing has run then.
            TypeError: a prompt is no list of whole numbers.
        """
        for _ in self.stream(prompts, max_new_tokens):
            pass
        return list(self._last_run.tokens.values())

    def stream(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int | Sequence[int],
        *,
        request_ids: Sequence[int] | None = None,
        arrivals_us: Sequence[float] | None = None,
    ) -> Iterator[NewToken]:
        """Return an iterator over the new tokens of all requests, each as soon as the CPU knows it.

        Requests are called 0, 1, 2, ... unless `request_ids` names them; they arrive at once unless `arrivals_us` says
        when, on the clock of this run. Leaving the iterator early ends the run.

        Raises:
            ValueError: as `generate`, at once; also ids that are given twice.
            RuntimeError: another run is under way, or the engine is closed.
        """
        self._require_idle()
        run = Run(self.scheduler_config, self._runner, self._event_loop, self._clock())
        for wish in wishes_of(prompts, max_new_tokens, request_ids, arrivals_us, self.config.vocab_size):
            run.add(wish)
        self._run = run
        return self._serve(run)

    def abort(self, request_id: int) -> None:
        """End a request of the run under way: what it owned comes free, and nothing more is emitted for it.

        One that has finished is finished: if that was in the step whose tokens are handed out now, its last one comes.
        """
        self._last_run.scheduler.abort(request_id)

    def close(self) -> None:
        """End the worker, if there is one. The engine cannot generate any more; what it recorded stays readable."""
        self._state = "closed"
        self._runner.close()

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler of the last run: its requests, and how many rows and KV blocks are free."""
        return self._last_run.scheduler

    @property
    def timeline(self) -> Timeline:
        """What CPU and GPU did in the last run."""
        return self._last_run.timeline

    @property
    def stats(self) -> EngineStats:
        """Mode, padding and launches of each step of the last run."""
        return self._last_run.stats

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, run: Run) -> Iterator[NewToken]:
        self._require_idle()
        if self._state == "new":
            self._runner.start()
        self._run, self._state = run, "running"
        try:
            yield from run.serve()
        finally:
            self._state = "idle" if self._state == "running" else self._state

    @property
    def _last_run(self) -> Run:
        if self._run is None:
            raise RuntimeError("This engine has not run yet: call generate() first.")
        return self._run

    def _require_idle(self) -> None:
        if self._state == "closed":
            raise RuntimeError("This engine is closed. Build another one: its graphs went with its worker.")
        if self._state == "running":
            raise RuntimeError(
                "A run is under way on this engine: read its stream to the end, or close() that iterator, "
                "and only then begin another."
            )


def _default_sizes(mode: CUDAGraphMode, limits: Limits) -> list[int]:
    if not mode:
        return []
    return default_capture_sizes(
        "vllm", max_num_seqs=limits.max_num_seqs, max_num_batched_tokens=limits.max_num_batched_tokens
    )


def _map(
    future_map: SymbolicTokens | MapFactory | None, limits: Limits, device: torch.device, debug: bool
) -> SymbolicTokens:
    """Return the map to use: the library's, the one given, or what the given function makes."""
    if future_map is None:
        return FutureMap(limits.max_num_seqs, device, debug=debug)
    if callable(future_map):
        return future_map(limits.max_num_seqs, device)
    return future_map
