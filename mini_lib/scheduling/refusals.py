"""What a scheduler refuses when it is asked, while the sender still listens: a request that could never finish.

The vocabulary is not known here: whoever owns the model checks that token ids are below its size.
"""

from __future__ import annotations

import math

from mini_lib.scheduling.config import SchedulerConfig
from mini_lib.scheduling.requests import Request


def refuse_what_cannot_run(request: Request, config: SchedulerConfig) -> None:
    """Return if `request` can run to its end under `config`, alone if need be.

    Raises:
        ValueError: it cannot; the message says why, with the numbers.
    """
    complaint = _about_itself(request) or _about_its_size(request, config)
    if complaint:
        raise ValueError(f"request {request.request_id} {complaint}")


def _about_itself(request: Request) -> str:
    if not request.prompt:
        return "has an empty prompt: there is nothing to predict a token from. Give at least 1."
    if min(request.prompt) < 0:
        return f"has token {min(request.prompt)} in its prompt: negative ids stand for tokens that are not known yet."
    if request.max_new_tokens < 0:
        return f"asks for {request.max_new_tokens} new tokens: ask for 0 or more."
    if not math.isfinite(request.arrival_us):
        return f"arrives at {request.arrival_us} us: nobody can wait for that."
    return ""


def _about_its_size(request: Request, config: SchedulerConfig) -> str:
    num_tokens = len(request.prompt) + request.max_new_tokens
    if num_tokens > config.max_model_len:
        return (
            f"has {len(request.prompt)} prompt tokens and asks for {request.max_new_tokens}: together {num_tokens}, "
            f"and the context holds {config.max_model_len}. Shorten one of them."
        )
    num_blocks = config.blocks_for(request.max_kv_tokens)
    if num_blocks > config.usable_blocks:
        return (
            f"needs up to {num_blocks} KV blocks of {config.block_size} tokens, and there are {config.usable_blocks}: "
            "it could never finish. Shorten it, or raise num_blocks."
        )
    return ""
