"""What the tests of the engine share: the exact-integer model, its oracle, and engines small enough to be cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache

import torch

from mini_lib.config import ModelConfig
from mini_lib.engine import Engine
from mini_lib.graphs import device_of, get_device_module
from mini_lib.model import Model, build_model, eager_decode
from mini_lib.scheduling.workloads import VOCAB_SIZE, Workload
from mini_lib.timing.clocks import VirtualClock

EXACT = ModelConfig.exact()
SMALL_VOCABULARY = ModelConfig.exact(vocab_size=VOCAB_SIZE)
DEVICE = device_of(get_device_module())
# On a GPU the worker process is left out: nothing may fork once CUDA has started.
POLICIES = ["inline", "lazy", "cuda"] if torch.cuda.is_available() else ["inline", "lazy", "process"]
PROMPTS = ([5, 0, 3], [8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [0, 0, 0], [96] * 20)
SMALL = {"max_num_seqs": 4, "max_num_batched_tokens": 16, "max_chunk_tokens": 5, "block_size": 4}


class TickingClock(VirtualClock):
    """A clock that moves on by 10 us whenever somebody looks at it: arrivals spread over steps, the same each time."""

    def now_us(self) -> float:
        self.advance_us(10.0)
        return super().now_us()


@cache
def exact_model(config: ModelConfig = EXACT) -> Model:
    return build_model(config, device=DEVICE)


@cache
def _oracle(config: ModelConfig, prompt: tuple[int, ...], max_new_tokens: int, stop: int | None) -> tuple[int, ...]:
    return tuple(eager_decode(exact_model(config), config, [prompt], max_new_tokens, stop)[0])


def oracle(
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int | Sequence[int],
    stop_token_id: int | None = None,
    config: ModelConfig = EXACT,
) -> list[list[int]]:
    """Return the tokens that every engine must give: each request by itself, eagerly, one token after the other."""
    limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
    return [
        list(_oracle(config, tuple(prompt), limit, stop_token_id))
        for prompt, limit in zip(prompts, limits, strict=True)
    ]


def small_engine(**options) -> Engine:
    """Return an engine for the exact model with 4 rows, blocks of 4 tokens and pieces of 5, unless told otherwise."""
    return Engine(EXACT, **{"model": exact_model(), **SMALL, **options})


def engine_for(workload: Workload, **options) -> Engine:
    """Return an engine whose scheduler has the limits of `workload`, for the exact model with its small vocabulary."""
    scheduler = asdict(workload.scheduler_config)
    limits = {
        "num_kv_blocks": scheduler.pop("num_blocks"), "scheduling_policy": scheduler.pop("policy"), **scheduler,
    }  # fmt: skip
    model = exact_model(SMALL_VOCABULARY)
    return Engine(
        SMALL_VOCABULARY, **{"model": model, "clock": TickingClock, "count_launches": False, **limits, **options}
    )


def serve(engine: Engine, workload: Workload) -> list[list[int]]:
    """Return the tokens of each request of `workload`, as `engine` streams them: none after its one finish."""
    prompts, limits, arrivals = zip(*workload.requests, strict=True)
    tokens: list[list[int]] = [[] for _ in prompts]
    finished: set[int] = set()
    for new in engine.stream(prompts, limits, arrivals_us=arrivals):
        assert new.request_id not in finished, f"{new} comes after the end of its request"
        tokens[new.request_id].append(new.token_id)
        finished |= {new.request_id} if new.finish_reason else set()
    assert len(finished) == len(prompts)
    return tokens


def oracle_of(workload: Workload) -> list[list[int]]:
    """Return the tokens that every engine must give for `workload`."""
    prompts, limits, _ = zip(*workload.requests, strict=True)
    return oracle(prompts, limits, workload.scheduler_config.stop_token_id, SMALL_VOCABULARY)


def all_free(engine: Engine) -> bool:
    """Tell whether every row and every KV block is back where it was before the run."""
    config = engine.scheduler.config
    return (engine.scheduler.free_rows, engine.scheduler.free_blocks) == (config.max_num_seqs, config.num_blocks - 1)
