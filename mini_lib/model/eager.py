"""The oracle: one request after the other, one token after the other, with no scheduler, no graph and no padding.

Its KV cache is one block as long as the request, so there is nothing to page. Every other way to run the model, however
it batches, cuts, captures or overlaps, must give the tokens that come out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mini_lib.config import ModelConfig
from mini_lib.dispatch.forward_context import set_forward_context
from mini_lib.model.attention import AttentionMetadata
from mini_lib.model.building import Model
from mini_lib.model.kv_cache import new_kv_caches


@torch.inference_mode()
def eager_decode(
    model: Model,
    config: ModelConfig,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int | Sequence[int],
    stop_token_id: int | None = None,
) -> list[list[int]]:
    """Return the new tokens of each prompt, greedily; a stop token is the last of its request and belongs to it.

    Raises:
        ValueError: an empty prompt, or one that with its new tokens is longer than `config.max_model_len`.
    """
    limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
    return [
        list(_decode(model, config, list(prompt), limit, stop_token_id))
        for prompt, limit in zip(prompts, limits, strict=True)
    ]


def _decode(model: Model, config: ModelConfig, tokens: list[int], limit: int, stop: int | None) -> Iterator[int]:
    """Yield the new tokens of one request: all of the prompt goes in first, then each token that comes out."""
    length = len(tokens) + limit
    if not tokens or length > config.max_model_len:
        raise ValueError(
            f"a prompt of {len(tokens)} tokens with {limit} new ones cannot be decoded: a prompt has at least one "
            f"token, and {config.name} is served to {config.max_model_len} in all."
        )
    weight = next(model.parameters())
    kv_caches = new_kv_caches(config, 2, length, weight.device, weight.dtype)
    start = 0
    for _ in range(limit):
        hidden = _forward(model, kv_caches, tokens[start:], start)
        token = int(model.sample(hidden[-1:]))
        yield token
        if token == stop:
            return
        start = len(tokens)
        tokens.append(token)


def _forward(model: Model, kv_caches: Sequence[Tensor], tokens: list[int], start: int) -> Tensor:
    """Return the hidden states of `tokens`, the first of which is at position `start`."""
    device, block_size = kv_caches[0].device, kv_caches[0].shape[2]
    positions = torch.arange(start, start + len(tokens), device=device)
    metadata = AttentionMetadata(
        kv_caches,
        page_table=torch.tensor([[0], [1]], device=device),
        token_rows=torch.ones_like(positions),
        slot_mapping=block_size + positions,
        block_size=block_size,
        max_seq_len=start + len(tokens),
    )
    with set_forward_context(attn_metadata=metadata):
        return model(torch.tensor(tokens, device=device), positions)
