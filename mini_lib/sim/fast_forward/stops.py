"""Where answers stop, known before they are computed: a leap must end before it meets a stop token."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from mini_lib.scheduling.requests import Request
from mini_lib.sim.runner import CONSTANT_TOKEN, TokenAt

NEVER = 1 << 60


class Stops:
    """The tokens of a simulation, and the position of the first stop token in each answer, looked for once."""

    def __init__(self, stop_token_id: int | None, token_at: TokenAt | None) -> None:
        self._stop, self._token_at = stop_token_id, token_at
        self._found: dict[int, int] = {}
        self.possible = stop_token_id is not None and (token_at is not None or stop_token_id == CONSTANT_TOKEN)

    def tokens(self, request: Request, first: int, end: int) -> Iterable[int]:
        """Return the tokens of `request` at the positions `first` .. `end - 1`."""
        if self._token_at is None:
            return repeat(CONSTANT_TOKEN, end - first)
        return [self._token_at(request.request_id, position) for position in range(first, end)]

    def position_of(self, request: Request) -> int:
        """Return the position of the first stop token in the answer of `request`, or `NEVER`."""
        if not self.possible:
            return NEVER
        if request.request_id not in self._found:
            first = len(request.prompt)
            answer = list(self.tokens(request, first, first + request.max_new_tokens))
            self._found[request.request_id] = first + answer.index(self._stop) if self._stop in answer else NEVER
        return self._found[request.request_id]
