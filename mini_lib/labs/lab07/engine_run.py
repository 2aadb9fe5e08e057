"""Exercise 7.6: the student's loop and map inside the whole engine, token for token.

The model is the exact one: whole numbers, and every next token a hash of all KV that its request wrote. The oracle
serves each request alone. Requests are those of the five families: random, length_skip, gated, chunk_heavy, retract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from mini_lib.config import ModelConfig
from mini_lib.labs.lab07.findings import FINE, Fault, Finding, fault_of, fine, told, wrong_idea
from mini_lib.learn import Case, Exercise, Misconception, Outcome
from mini_lib.scheduling.workloads import FAMILIES, VOCAB_SIZE, Workload
from mini_lib.timing import Timeline
from mini_lib.timing.clocks import VirtualClock
from mini_lib.withheld import Withheld

# Graphs change no token, as notebook 07 shows; recording them, and counting launches, takes most of the time.
_FAST = {"enforce_eager": True, "count_launches": False}
_MOST_BATCHES = 5_000  # the workloads need a few dozen
_PLUG = "Your pieces in the engine"


class PatientClock(VirtualClock):
    """A clock that a scheduler can ask only so often: a loop that never ends does so within a second.

    Raises:
        Fault: it was asked once too often.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0

    def now_us(self) -> float:
        """Return the time that was reached so far."""
        self._asked += 1
        if self._asked > _MOST_BATCHES:
            raise Fault(
                "never ends",
                f"Your loop has asked for a batch {_MOST_BATCHES} times, and requests are still unfinished. "
                "What does the check of 7.2 say?",
            )
        return super().now_us()


def serve(overlapped_engine: Callable[..., Any], family: str, seed: int, settings: dict[str, Any]) -> Finding:
    """Return what is wrong with the engine that the student put together, on one workload; `FINE` for nothing.

    `settings` go to the engine beside the workload's own limits; "policy" chooses who goes first.

    Raises:
        NotImplementedError: the function is still the stub.
    """
    workload = FAMILIES[family](seed, policy=settings.get("policy", "mixed"))
    others = {name: value for name, value in settings.items() if name != "policy"}
    from mini_lib.graphs import get_device_module  # here, so that torch waits until the first engine is asked for

    config = ModelConfig.exact(vocab_size=VOCAB_SIZE)
    try:
        engine = overlapped_engine(
            config, clock=PatientClock, device_module=get_device_module("cpu"), **_FAST, **_limits(workload), **others
        )
        _require_engine(engine)
        _require_settings(engine, workload)
        with engine:
            tokens = _tokens(engine, workload)
            _require_right(tokens, workload, config)
            _require_overlap(engine.timeline)
    except Fault as fault:
        return fault.finding
    except (NotImplementedError, Withheld):
        raise
    except Exception as error:
        last_line = (str(error).strip().splitlines() or [""])[-1][:300]  # of device work it is a traceback's
        if "Withheld: " in last_line:
            raise Withheld(last_line.split("Withheld: ")[1]) from None
        if last_line.startswith("NotImplementedError"):
            raise NotImplementedError("a piece of it is still the stub") from None
        what = f"Serving the workload {family}, the engine raised {type(error).__name__}: {last_line}"
        return Fault("the engine raises", what).finding
    return FINE


def _limits(workload: Workload) -> dict[str, Any]:
    config = workload.scheduler_config
    return {
        "max_num_seqs": config.max_num_seqs,
        "max_num_batched_tokens": config.max_num_batched_tokens,
        "max_chunk_tokens": config.max_chunk_tokens,
        "block_size": config.block_size,
        "num_kv_blocks": config.num_blocks,
        "max_model_len": config.max_model_len,
        "stop_token_id": config.stop_token_id,
        "scheduling_policy": config.policy,
    }


def _require_engine(engine: Any) -> None:
    from mini_lib.engine import Engine

    if not isinstance(engine, Engine):
        what = "None" if engine is None else f"a {type(engine).__name__}"
        raise Fault("no engine", f"Your function gave {what} back, and it wants a mini_lib.Engine.")


def _require_settings(engine: Any, workload: Workload) -> None:
    given, wanted = asdict(engine.scheduler_config), asdict(workload.scheduler_config)
    for name, value in wanted.items():
        if given[name] != value:
            raise Fault(
                "settings left out",
                f"Your function was given settings, among them one that makes {name} {value}, and in its engine it is "
                f"{given[name]}: hand all settings on.",
            )


def _tokens(engine: Any, workload: Workload) -> list[list[int]]:
    requests = workload.requests
    prompts, limits = [list(one.prompt) for one in requests], [one.max_new_tokens for one in requests]
    tokens: dict[int, list[int]] = {number: [] for number in range(len(requests))}
    for new in engine.stream(prompts, limits, arrivals_us=[one.arrival_us for one in requests]):
        tokens[new.request_id].append(new.token_id)
    return list(tokens.values())


def _require_right(tokens: list[list[int]], workload: Workload, config: ModelConfig) -> None:
    from mini_lib.model import build_model, eager_decode

    prompts = [list(one.prompt) for one in workload.requests]
    limits = [one.max_new_tokens for one in workload.requests]
    right = eager_decode(build_model(config), config, prompts, limits, workload.scheduler_config.stop_token_id)
    for number, (mine, alone) in enumerate(zip(tokens, right, strict=True)):
        if mine != alone:
            raise Fault(
                "wrong tokens",
                f"In the workload {workload.name} request {number} got {mine[:8]}, and alone it gets {alone[:8]}.",
            )


def _require_overlap(timeline: Timeline) -> None:
    """Raise a `Fault` if no step was ever launched before the one before it was processed."""
    order = [span.name for span in timeline.lane("CPU")]
    launched = [name for name in order if name.startswith("launch ")]
    steps = range(len(launched) - 1)
    if not any(order.index(f"launch {step + 1}") < order.index(f"process {step}") for step in steps):
        raise Fault(
            "not overlapped",
            f"All tokens are right, and in {len(launched)} steps none was launched before the step before it was "
            "processed: the engine runs your sequential loop.",
        )


def _like_a_ring(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell wrong tokens where prompts in pieces go first, and nowhere else."""
    first, *others = (fault_of(outcome) for outcome in outcomes[:5])
    return first == "wrong tokens" and not any(others)


OVERLAPPED_ENGINE = Exercise(
    id="overlapped_engine",
    title="7.6 Your pieces in the engine",
    wants="a mini_lib.Engine back that runs your overlap loop and your pool-indexed map",
    cases=(
        Case(("chunk_heavy", 28, {"policy": "prefill_first"}), FINE),
        Case(("random", 17, {"stream_policy": "lazy"}), FINE),
        Case(("length_skip", 15, {}), FINE),
        Case(("gated", 3, {"stream_policy": "lazy"}), FINE),
        Case(("retract", 44, {}), FINE),
    ),
    misconceptions=(
        wrong_idea("not overlapped", see=_PLUG),
        Misconception(
            "a ring",
            "In the workload with long prompts in small pieces an answer is wrong, although each piece is right: that "
            "is what happens with a ring. Plug in the map that cannot be corrupted.",
            _like_a_ring,
            _PLUG,
        ),
        wrong_idea("no engine", see=_PLUG),
        wrong_idea("settings left out", see=_PLUG),
    ),
    right="In words: your loop and your map serve a real engine, and nobody can tell it from one request at a time.",
    hints=(
        "mini_lib.Engine takes `event_loop` and `future_map` by name, and all that your function is given besides.",
        "future_map wants something that can be called with (max_num_seqs, device) and gives a map: your class can.",
        "return Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)",
    ),
    agrees=fine,
    differs=told,
    arguments=("workload", "seed", "settings"),
    drive=serve,
    difficulty=1,
    importance=5,
    minutes=5,
    points=3,
)
