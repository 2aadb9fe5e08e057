"""What a scheduler may do: how many requests at once, how many tokens a step, how much KV memory.

The words are vLLM's, where it has them. Not modelled: priorities, prefix caching, a memory that is shared.
"""

from __future__ import annotations

from dataclasses import dataclass

POLICIES = ("mixed", "prefill_first")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerConfig:
    """The limits of a scheduler, checked where they are written down.

    Attributes:
        max_num_seqs: requests that run at the same time: each owns one of the rows 1 .. `max_num_seqs`.
        max_num_batched_tokens: tokens of one step, prompts and decodes together.
        max_chunk_tokens: tokens that one prompt brings to a step; None: whatever the step holds.
        block_size: tokens of one KV block.
        num_blocks: KV blocks as the caches have them, with the null block 0, which nobody is given.
        max_model_len: tokens of a prompt and its answer together.
        stop_token_id: the token that ends an answer (and is part of it); None: only its length does.
        policy: "mixed" (vLLM): pieces of prompts ride with the decodes. "prefill_first" (SGLang): a batch is either
            one or the other, and prompts go first.

    Raises:
        ValueError: a limit below 1, no block to give, a budget that cannot decode all rows, an unknown policy.
    """

    max_num_seqs: int
    max_num_batched_tokens: int
    block_size: int
    num_blocks: int
    max_model_len: int
    max_chunk_tokens: int | None = None
    stop_token_id: int | None = None
    policy: str = "mixed"

    def __post_init__(self) -> None:
        for name in ("max_num_seqs", "max_num_batched_tokens", "block_size", "max_model_len", "max_chunk_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: with less than 1 nothing could ever run.")
        if self.num_blocks < 2:
            raise ValueError(
                f"num_blocks is {self.num_blocks}: block 0 is the null block, so there must be at least 2."
            )
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError(
                f"a step of {self.max_num_batched_tokens} tokens cannot decode {self.max_num_seqs} requests: "
                "let max_num_batched_tokens be at least max_num_seqs."
            )
        if self.policy not in POLICIES:
            raise ValueError(f"policy is {self.policy!r}: it is one of {', '.join(map(repr, POLICIES))}.")

    def blocks_for(self, num_tokens: int) -> int:
        """Return how many KV blocks hold `num_tokens` tokens of one request."""
        return -(-num_tokens // self.block_size)

    @property
    def usable_blocks(self) -> int:
        """The blocks that requests can own: all but the null block."""
        return self.num_blocks - 1

    @property
    def chunk_tokens(self) -> int:
        """The most tokens that one prompt brings to a step."""
        return min(self.max_chunk_tokens or self.max_num_batched_tokens, self.max_num_batched_tokens)
