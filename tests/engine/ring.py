"""A ring FutureMap as SGLang had it until 0.5.12: places are handed out in turn, and taken again without asking.

It holds 3 laps of `max_num_seqs` places plus room to spill, since a batch never wraps in its middle. Whoever waits for
more than a lap reads somebody else's token.
"""

from __future__ import annotations

import torch
from torch import Tensor


class RingFutureMap:
    """Fits `mini_lib.engine.SymbolicTokens`; corrupts tokens that wait while many others are sampled."""

    def __init__(self, max_num_seqs: int, device: torch.device | str) -> None:
        self.limit = 3 * max_num_seqs
        self.cursor = 0
        self.tokens = torch.full((5 * max_num_seqs,), -1, dtype=torch.int64, device=device)

    def reserve(self, req_pool_indices: Tensor) -> Tensor:
        first = self.cursor + 1
        self.cursor = (self.cursor + len(req_pool_indices)) % self.limit
        return -torch.arange(first, first + len(req_pool_indices), device=self.tokens.device)

    def resolve(self, input_ids: Tensor) -> Tensor:
        return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)

    def stash(self, ids: Tensor, tokens: Tensor) -> None:
        self.tokens[-ids] = tokens
