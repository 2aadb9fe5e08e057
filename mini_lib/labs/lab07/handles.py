"""What a student's loop gets to hold: names to call, and nothing behind them.

Every call is a name and plain values, sent to the tester; every answer is plain. A batch is a number. Scheduler,
device, clock and log stay with the tester, who may live in another process. Where both share one, as in a notebook,
`_ask` still leads to them: only a process of its own keeps a loop out that means to cheat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]


class SchedulerHandle:
    """The scheduler, as a loop sees it."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def has_unfinished(self) -> bool:
        """Tell whether any request waits or runs."""
        return bool(self._ask("has_unfinished"))

    def schedule(self) -> int | None:
        """Return the next batch, or None: nothing can run now."""
        batch: int | None = self._ask("schedule")
        return batch

    def update_from_output(self, batch: int, token_ids: list[int]) -> list[Any]:
        """Process the tokens of `batch`; return what users get to see."""
        new_tokens: list[Any] = self._ask("update_from_output", batch, token_ids)
        return new_tokens

    def wait_for_arrival(self) -> None:
        """Sleep until the next request arrives."""
        self._ask("wait_for_arrival")


class OutputHandle:
    """The result of a launched batch, which may not be there yet."""

    __slots__ = ("_ask", "_batch")

    def __init__(self, ask: Ask, batch: int) -> None:
        self._ask, self._batch = ask, batch

    def wait(self) -> list[int]:
        """Wait for the batch; return one token per request."""
        tokens: list[int] = self._ask("wait", self._batch)
        return tokens


class RunnerHandle:
    """The runner, as a loop sees it."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def execute_model(self, batch: int) -> OutputHandle:
        """Launch `batch` and return at once."""
        self._ask("execute_model", batch)
        return OutputHandle(self._ask, batch)
