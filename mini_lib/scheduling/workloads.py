"""Five families of small, nasty workloads: each finds wrong overlap code that the other four let pass.

`random` is the umbrella, and finds most. `length_skip` has no stop token, so nothing but a flush brings out the last
batch. `gated` decodes steadily, for a device that refuses to finish a step before the one before it was processed.
`chunk_heavy` lets long prompts in by tiny pieces while others decode. `retract` has too little KV memory.

Everything follows from the seed. Stop tokens are frequent as long as the vocabulary is small: with 13 tokens, one of
them the stop token, an answer ends with a chance of 1 in 13 at each token. Token 0 is an ordinary token.

>>> workload = retract(seed=1)
>>> workload.name, workload.scheduler_config.num_blocks < workload.total_blocks
('retract', True)
>>> workload == retract(seed=1)
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from mini_lib.scheduling.config import SchedulerConfig

VOCAB_SIZE = 13


class WorkloadRequest(NamedTuple):
    """What one user asks for, and when."""

    prompt: tuple[int, ...]
    max_new_tokens: int
    arrival_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests, and the scheduler that they are meant for. Their ids are their places: 0, 1, 2, ..."""

    name: str
    requests: tuple[WorkloadRequest, ...]
    scheduler_config: SchedulerConfig

    @property
    def total_blocks(self) -> int:
        """The KV blocks that all requests at once would want."""
        config = self.scheduler_config
        return sum(config.blocks_for(len(one.prompt) + one.max_new_tokens - 1) for one in self.requests)


def random(seed: int, *, vocab_size: int = VOCAB_SIZE, policy: str = "mixed") -> Workload:
    """Return requests of all lengths, arriving at all times, on a scheduler with random limits."""
    draw = Random(f"random {seed}")
    requests = [
        _request(draw, vocab_size, (1, 14), (1, 14), arrival_us=draw.choice((0.0, draw.uniform(0, 300))))
        for _ in range(draw.randint(3, 12))
    ]
    rows = draw.randint(1, 5)
    config = _config(
        requests,
        spare_blocks=draw.choice((None, None, 0, 3)),
        max_num_seqs=rows,
        max_num_batched_tokens=draw.randint(rows, 24),
        max_chunk_tokens=draw.choice((None, 1, 3, 8)),
        block_size=draw.choice((1, 2, 3, 4)),
        stop_token_id=draw.randrange(vocab_size),
        policy=policy,
    )
    return Workload("random", tuple(requests), config)


def length_skip(seed: int, *, vocab_size: int = VOCAB_SIZE, policy: str = "mixed") -> Workload:
    """Return requests that end by their length alone; some want a single token, some end with a full block."""
    draw = Random(f"length_skip {seed}")
    requests = [_request(draw, vocab_size, (1, 9), (1, 6)) for _ in range(draw.randint(2, 8))]
    requests.append(_request(draw, vocab_size, (1, 5), (1, 1)))
    rows = draw.randint(2, 4)
    config = _config(
        requests,
        max_num_seqs=rows,
        max_num_batched_tokens=16,
        block_size=draw.choice((1, 4)),
        policy=policy,
    )
    return Workload("length_skip", tuple(requests), config)


def gated(seed: int, *, vocab_size: int = VOCAB_SIZE, policy: str = "mixed") -> Workload:
    """Return requests that all decode together for long: a step of it needs the tokens of the step before."""
    draw = Random(f"gated {seed}")
    requests = [_request(draw, vocab_size, (1, 4), (12, 24)) for _ in range(draw.randint(2, 4))]
    config = _config(
        requests,
        max_num_seqs=4,
        max_num_batched_tokens=32,
        block_size=2,
        stop_token_id=draw.randrange(vocab_size),
        policy=policy,
    )
    return Workload("gated", tuple(requests), config)


def chunk_heavy(seed: int, *, vocab_size: int = VOCAB_SIZE, policy: str = "mixed") -> Workload:
    """Return long prompts that come in by one or two tokens a step, on two or three rows, beside short ones."""
    draw = Random(f"chunk_heavy {seed}")
    long = [_request(draw, vocab_size, (20, 40), (1, 6)) for _ in range(draw.randint(2, 3))]
    short = [_request(draw, vocab_size, (1, 3), (6, 16)) for _ in range(draw.randint(2, 3))]
    requests = draw.sample(long + short, len(long) + len(short))
    config = _config(
        requests,
        max_num_seqs=draw.randint(2, 3),
        max_num_batched_tokens=draw.randint(3, 5),
        max_chunk_tokens=draw.randint(1, 2),
        block_size=draw.choice((1, 3)),
        stop_token_id=draw.randrange(vocab_size),
        policy=policy,
    )
    return Workload("chunk_heavy", tuple(requests), config)


def retract(seed: int, *, vocab_size: int = VOCAB_SIZE, policy: str = "mixed") -> Workload:
    """Return short prompts with long answers, and KV memory for little more than the longest of them."""
    draw = Random(f"retract {seed}")
    requests = [_request(draw, vocab_size, (1, 5), (8, 20)) for _ in range(draw.randint(4, 7))]
    config = _config(
        requests,
        spare_blocks=draw.randint(0, 2),
        max_num_seqs=4,
        max_num_batched_tokens=16,
        max_chunk_tokens=draw.choice((2, 16)),
        block_size=draw.choice((1, 2, 4)),
        # Some without: the more tokens are written, the more memory is missing.
        stop_token_id=draw.choice((None, draw.randrange(vocab_size))),
        policy=policy,
    )
    return Workload("retract", tuple(requests), config)


FAMILIES: Mapping[str, Callable[..., Workload]] = MappingProxyType(
    {family.__name__: family for family in (random, length_skip, gated, chunk_heavy, retract)}
)
"""The five families by name: each takes a seed, and `vocab_size` and `policy` by name."""


def _request(
    draw: Random, vocab_size: int, prompt: tuple[int, int], new: tuple[int, int], arrival_us: float = 0.0
) -> WorkloadRequest:
    tokens = tuple(draw.randrange(vocab_size) for _ in range(draw.randint(*prompt)))
    return WorkloadRequest(tokens, draw.randint(*new), arrival_us)


def _config(
    requests: Iterable[WorkloadRequest],
    *,
    spare_blocks: int | None = None,
    max_num_seqs: int,
    max_num_batched_tokens: int,
    block_size: int,
    policy: str,
    max_chunk_tokens: int | None = None,
    stop_token_id: int | None = None,
) -> SchedulerConfig:
    """Return a scheduler for `requests`: KV for the longest and `spare_blocks`, or, without those, for all rows."""
    longest = max(len(one.prompt) + one.max_new_tokens for one in requests)
    blocks_each = -(-longest // block_size)
    usable = blocks_each * max_num_seqs if spare_blocks is None else blocks_each + spare_blocks
    return SchedulerConfig(
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max_num_batched_tokens,
        max_chunk_tokens=max_chunk_tokens,
        block_size=block_size,
        num_blocks=1 + usable,
        max_model_len=64,
        stop_token_id=stop_token_id,
        policy=policy,
    )
