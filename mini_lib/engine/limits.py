"""How large everything may get: the numbers that static inputs, page table and KV caches are built for.

Graphs know addresses and shapes, so nothing can grow once they are recorded. All limits are therefore settled first.
"""

from __future__ import annotations

from dataclasses import dataclass

from mini_lib.config import ModelConfig
from mini_lib.scheduling import SchedulerConfig

DEFAULT_BATCHED_TOKENS = 256


@dataclass(frozen=True)
class Limits:
    """The sizes of one engine, all positive. `num_kv_blocks` counts block 0, which belongs to padding."""

    max_num_seqs: int
    max_num_batched_tokens: int
    max_model_len: int
    block_size: int
    num_kv_blocks: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} is {value}, and it must be at least 1.")
        if self.num_kv_blocks < 2:
            raise ValueError("num_kv_blocks is 1, and block 0 belongs to padding: requests need at least one more.")

    @property
    def max_blocks(self) -> int:
        """Width of the page table: the blocks of one request of the longest legal length."""
        return -(-self.max_model_len // self.block_size)

    def for_scheduler(
        self, max_chunk_tokens: int | None, stop_token_id: int | None, scheduling_policy: str
    ) -> SchedulerConfig:
        """Return these limits and the scheduler's own rules as the scheduler wants them."""
        return SchedulerConfig(
            max_num_seqs=self.max_num_seqs,
            max_num_batched_tokens=self.max_num_batched_tokens,
            max_chunk_tokens=max_chunk_tokens,
            block_size=self.block_size,
            num_blocks=self.num_kv_blocks,
            max_model_len=self.max_model_len,
            stop_token_id=stop_token_id,
            policy=scheduling_policy,
        )


def limits_of(
    config: ModelConfig,
    max_num_seqs: int,
    max_num_batched_tokens: int | None,
    max_model_len: int | None,
    block_size: int,
    num_kv_blocks: int | None,
) -> Limits:
    """Return the limits of an engine for `config`.

    `max_model_len` None takes the model's own. `num_kv_blocks` None takes what never runs short: room for
    `max_num_seqs` requests of full length, and the null block. `max_num_batched_tokens` None takes 256 tokens, or a
    token of each request where that is more.
    """
    if max_num_batched_tokens is None:
        max_num_batched_tokens = max(DEFAULT_BATCHED_TOKENS, max_num_seqs)
    length = config.max_model_len if max_model_len is None else max_model_len
    if length > config.max_model_len:
        raise ValueError(f"max_model_len is {length}, and {config.name} knows positions up to {config.max_model_len}.")
    if num_kv_blocks is None:
        num_kv_blocks = 1 + max_num_seqs * -(-length // max(block_size, 1))
    return Limits(max_num_seqs, max_num_batched_tokens, length, block_size, num_kv_blocks)
