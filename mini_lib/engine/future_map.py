"""Where a sampled token waits, on the device, for the step that needs it: the CPU never has to see it in between.

Step k+1 is launched before the CPU knows the tokens of step k. So its input holds a *symbolic* token for each request
that is waiting: a negative number, which names a place in a map on the device. `reserve` names the places, `stash`
fills them once the step has sampled, `resolve` turns symbolic ids into tokens as the next step begins. All three are
work of the forward stream, and the order of that stream is all the synchronisation they need.

The map here is indexed by the request pool: a request's place is its row, its own from its first chunk to its end, so
nobody else can overwrite it (SGLang from 0.5.13 on, PR 25862). A ring of places, which came before it, forgets tokens
that wait too long. Any object with the same three methods fits into `Engine(future_map=...)`.

Not modelled: payloads beside the token (hidden states and top-k of speculative decoding), sequence lengths.

>>> future_map = FutureMap(max_num_seqs=4, device="cpu")
>>> ids = future_map.reserve(torch.tensor([3, 1]))
>>> future_map.stash(ids, torch.tensor([70, 0]))
>>> future_map.resolve(torch.tensor([-1, 5, -3])).tolist()  # row 1's token, a token as it is, row 3's token
[0, 5, 70]
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mini_lib.withheld import withheld_in

POISON = -1  # what an empty place holds: no token, so that reading it can be noticed


class SymbolicTokens(Protocol):
    """What the engine asks of a map: ids for tokens that are not there yet.

    The engine calls `reserve`, `resolve`, `stash` in this order, once per step, for every request of the batch: also
    for one that brings a piece of its prompt, whose token nobody will read. Padded rows never get here.
    """

    def reserve(self, req_pool_indices: Tensor) -> Tensor:
        """Return one symbolic id per request: int64, on the device, each strictly below 0 (0 is a token)."""

    def resolve(self, input_ids: Tensor) -> Tensor:
        """Return a new tensor: negative ids replaced by the tokens they stand for, all others bit for bit the same."""

    def stash(self, ids: Tensor, tokens: Tensor) -> None:
        """Keep `tokens[i]` for whoever brings `ids[i]`."""


class StaleTokenError(RuntimeError):
    """A symbolic id was read before its token was there, or a second time."""


class FutureMap:
    """A map indexed by the request pool: the id of a request is minus its row. Row 0 is padding.

    Args:
        max_num_seqs: rows 1 .. `max_num_seqs` belong to requests.
        device: where the tokens wait.
        debug: empty a place after each read, and refuse to read an empty one. The trace of every row is then
            write, read, write, read (a second write is legal: pieces of a prompt). It waits for the device at each
            step, so it is for tests (SGLang does the same in its CI, PR 26108).
    """

    def __init__(self, max_num_seqs: int, device: torch.device | str, *, debug: bool = False) -> None:
        if max_num_seqs < 1:
            raise ValueError(f"max_num_seqs is {max_num_seqs}: a map of no requests has nothing to keep.")
        self.max_num_seqs = max_num_seqs
        self.debug = debug
        self._tokens = torch.full((max_num_seqs + 1,), POISON, dtype=torch.int64, device=device)

    @withheld_in("lab07")
    def reserve(self, req_pool_indices: Tensor) -> Tensor:
        """Return minus the rows, int64[requests]: a request has one place, so there is nothing to hand out.

        Raises:
            ValueError: more requests than rows. In debug also: a row outside 1 .. `max_num_seqs`.
        """
        _require_int64(req_pool_indices=req_pool_indices)
        self._require_room(len(req_pool_indices))
        if self.debug:
            self._require_rows(req_pool_indices)
        return -req_pool_indices

    @withheld_in("lab07")
    def resolve(self, input_ids: Tensor) -> Tensor:
        """Return a new int64 tensor of the same shape: symbolic ids replaced, tokens (0 too) as they are.

        Raises:
            StaleTokenError: in debug only, when an id stands for a token that is not there (any more).
        """
        _require_int64(input_ids=input_ids)
        # The clamp is for real tokens: `where` looks up both sides, and token 50,000 is no row of this map.
        rows = (-input_ids).clamp(min=0)
        tokens = torch.where(input_ids < 0, self._tokens[rows], input_ids)
        if self.debug:
            self._empty(rows[input_ids < 0])
        return tokens

    @withheld_in("lab07")
    def stash(self, ids: Tensor, tokens: Tensor) -> None:
        """Keep `tokens[i]` in the place that `reserve` named `ids[i]`, both int64[requests]."""
        _require_int64(ids=ids, tokens=tokens)
        if ids.shape != tokens.shape:
            raise ValueError(f"{tuple(ids.shape)} ids and {tuple(tokens.shape)} tokens: every request samples one.")
        self._tokens[-ids] = tokens

    def _empty(self, rows: Tensor) -> None:
        """Poison the places of `rows` after a read, and say which of them were empty before it."""
        stale = rows[self._tokens[rows] == POISON].tolist()
        if stale:
            raise StaleTokenError(
                f"The tokens of rows {stale} were read, and none was stashed there since the last read. A row is "
                "written by `stash` in one step and read by `resolve` in a later one: write, read, write, read."
            )
        self._tokens[rows] = POISON

    def _require_room(self, num_requests: int) -> None:
        if num_requests > self.max_num_seqs:
            raise ValueError(
                f"A batch of {num_requests} requests in a map of {self.max_num_seqs} rows: reserve for requests only, "
                "not for padded rows, or make the map as large as the scheduler's max_num_seqs."
            )

    def _require_rows(self, rows: Tensor) -> None:
        wrong = rows[(rows < 1) | (rows > self.max_num_seqs)].tolist()
        if wrong:
            raise ValueError(f"Rows {wrong} are no request's: they run from 1 to {self.max_num_seqs}; 0 is padding.")


def _require_int64(**tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype != torch.int64:
            raise TypeError(f"{name} is {tensor.dtype}: token ids and rows are torch.int64, symbolic ones too.")
