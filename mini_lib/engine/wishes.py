"""What a user asks for, checked before anything runs: one wish per prompt."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Wish(NamedTuple):
    """One prompt, how many tokens at most shall follow it, under which id, and when it arrives."""

    prompt: Sequence[int]
    max_new_tokens: int
    request_id: int
    arrival_us: float


def wishes_of(
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int | Iterable[int],
    request_ids: Iterable[int] | None,
    arrivals_us: Iterable[float] | None,
    vocab_size: int,
) -> list[Wish]:
    """Return a wish per prompt. Ids are 0, 1, 2, ... and arrivals at 0 unless they are given.

    Raises:
        ValueError: as many limits, ids or arrivals as prompts were not given, or a token is outside the vocabulary.
        TypeError: a prompt is no list of whole numbers.
    """
    for prompt in prompts:
        _require_tokens(prompt, vocab_size)
    limits = max_new_tokens if isinstance(max_new_tokens, Iterable) else [max_new_tokens] * len(prompts)
    ids = range(len(prompts)) if request_ids is None else request_ids
    arrivals = [0.0] * len(prompts) if arrivals_us is None else arrivals_us
    columns = (
        _one_each("max_new_tokens", limits, len(prompts)),
        _one_each("request_ids", ids, len(prompts)),
        _one_each("arrivals_us", arrivals, len(prompts)),
    )
    return [Wish(*wish) for wish in zip(prompts, *columns, strict=True)]


def _one_each(name: str, values: Iterable[T], num_prompts: int) -> list[T]:
    listed = list(values)
    if len(listed) != num_prompts:
        raise ValueError(f"{name} has {len(listed)} values for {num_prompts} prompts: give one per prompt.")
    return listed


def _require_tokens(prompt: Sequence[int], vocab_size: int) -> None:
    try:
        tokens = [operator.index(token) for token in prompt]
    except TypeError:
        raise TypeError(
            f"{prompt!r} is no prompt: a prompt is a list of token ids, which are whole numbers, and `prompts` is a "
            "list of prompts. Text goes through a tokenizer first."
        ) from None
    outside = [token for token in tokens if not 0 <= token < vocab_size]
    if outside:
        raise ValueError(
            f"the prompt holds {outside[:5]}, and tokens run from 0 to {vocab_size - 1}: on a GPU the embedding would "
            "read somebody else's memory, or end the program."
        )
